# shellcheck shell=bash disable=SC2154,SC2310,SC2312
# What the lab's tests share. A test file calls lab_up in setup_file and lab_down in teardown_file.

lab() { "${BATS_TEST_DIRNAME}/../../scripts/lab" "$@"; }

# lab_up NAME FLAGS...: a lab of this test file; it goes when bats goes, however that happens.
lab_up() {
  export VPCLAB_NAME=$1-${BATS_ROOT_PID:-$$} # two runs of the tests may go side by side
  export VPCLAB_STATE=/run/${VPCLAB_NAME}
  shift
  export VPCLAB_WATCH=$$
  lab up "$@" 3>&- 4>&-
}

# Sanitizers report to stderr, and the agent's goes to a file.
lab_down() {
  local findings
  findings=$(grep -lE 'AddressSanitizer|LeakSanitizer|runtime error|ThreadSanitizer' \
    "${VPCLAB_STATE}"/node-*/agent.out "${VPCLAB_STATE}"/*.log 2>/dev/null || true)
  if [[ -n ${findings} ]]; then
    # shellcheck disable=SC2086
    head -n 60 ${findings} >&3
  fi
  lab down
  [[ -z ${findings} ]]
}

# until_ok SECONDS CMD...
until_ok() {
  local limit=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < limit)) || {
      "$@"
      return 1
    }
    sleep 0.3
  done
}

# As the kubelet: again with a new sandbox until it works.
pod_add() { until_ok 40 lab pod add "$1" "$2"; }
pod_ip() { jq -r '.ips[0].address | sub("/.*"; "")' "${VPCLAB_STATE}/node-$1/pods/$2.result"; }
pings() { lab pod exec "$1" "$2" ping -n -c 1 -W 3 -q "$3"; }
introspect() { lab exec "$1" curl -sS --fail --max-time 5 "http://127.0.0.1:61679$2"; }
control() { # METHOD PATH [BODY]
  curl -sS --fail-with-body --max-time 10 --unix-socket "${VPCLAB_STATE}/control.sock" -X "$1" \
    "http://lab$2" ${3:+-H 'Content-Type: application/json' --data-binary "$3"}
}
agent_log() { cat "${VPCLAB_STATE}/node-$1/ipamd.log" "${VPCLAB_STATE}/node-$1/agent.out"; }
agent_says() { agent_log "$1" | grep -F -- "$2"; }

# plugin VERB NODE POD ID [CONFIG]: the plugin as the runtime calls it, outside of `lab pod`.
plugin() {
  local verb=$1 node=$2 pod=$3 id=$4 config=${5:-}
  [[ -n ${config} ]] || config='{"cniVersion":"1.0.0","name":"aws-cni","type":"aws-cni"}'
  lab exec "${node}" env CNI_COMMAND="${verb}" CNI_CONTAINERID="${id}" \
    CNI_NETNS="${NETNS-/run/netns/${VPCLAB_NAME}-${node}-${pod}}" CNI_IFNAME=eth0 CNI_PATH=/ \
    CNI_ARGS="K8S_POD_NAMESPACE=default;K8S_POD_NAME=${pod};IgnoreUnknown=1" \
    "${VPCLAB_STATE}/bin/aws-cni" <<<"${config}" 2>/dev/null
}
