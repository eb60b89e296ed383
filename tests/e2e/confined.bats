#!/usr/bin/env bats
# The agent with no more than the manifest gives its container: capabilities, no way to more, a
# read-only root file system and, as in any container that is not privileged, read-only sysctls.

load lab

bats_require_minimum_version 1.5.0

setup_file() {
  local manifest=${BATS_TEST_DIRNAME}/../../docker/manifests/aws-k8s-cni.yaml capabilities
  capabilities=$("${BATS_TEST_DIRNAME}/../manifests/objects.py" --json "${manifest}" | jq -er '
    .[] | select(.kind == "DaemonSet") | .spec.template.spec.containers[]
    | select(.name == "aws-node").securityContext
    | select(.allowPrivilegeEscalation == false and .readOnlyRootFilesystem
        and .capabilities.drop == ["ALL"])
    | [.capabilities.add[] | "+" + ascii_downcase] | join(",")')
  # The agent's mount namespace is its own; what the pod mounts stays writable.
  cat >"${BATS_FILE_TMPDIR}/agent" <<END
#!/bin/sh
set -eu
writable() { mount --bind "\$1" "\$1"; }
read_only() { mount --bind "\$1" "\$1" && mount -o remount,bind,ro "\$1"; }
touch /run/xtables.lock
writable /run/xtables.lock
writable /tmp
read_only /proc/sys
mount -o remount,bind,ro /
exec setpriv --no-new-privs --inh-caps=-all --ambient-caps=-all --bounding-set=-all,${capabilities} \
  "${VPCCNI_BUILD}/vpccni" agent
END
  chmod +x "${BATS_FILE_TMPDIR}/agent"
  export VPCLAB_AGENT=${BATS_FILE_TMPDIR}/agent
  lab_up vpce-confined --nodes 2
}

teardown_file() {
  lab_down
}

# status NODE FIELD: of the agent's process.
status() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$(<"${VPCLAB_STATE}/node-$1/agent.pid")/status"; }

@test "it is confined" {
  [ "$(status a CapBnd)" = 0000000000003000 ]
  [ "$(status a CapEff)" = 0000000000003000 ]
  [ "$(status a NoNewPrivs)" = 1 ]
  local agent
  agent=$(<"${VPCLAB_STATE}/node-a/agent.pid")
  run -1 nsenter -t "${agent}" -m touch /root/vpccni-probe
  [[ ${output} == *'Read-only file system'* ]]
  run -2 nsenter -t "${agent}" -m sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
  [[ ${output} == *'Read-only file system'* ]]
}

@test "pods come, reach each other and the internet, and go" {
  pod_add a one
  pod_add b two
  until_ok 20 pings a one "$(pod_ip b two)"
  until_ok 20 pings a one 198.51.100.9
  lab pod del a one
  lab pod del b two
}

@test "healing and restart too" {
  pod_add a three
  local address
  address=$(pod_ip a three)
  lab exec a ip rule del to "${address}" table main
  rule_back() { lab exec a ip rule | grep -F "to ${address} lookup main"; }
  until_ok 30 rule_back
  lab agent restart a
  [ "$(introspect a /v1/pods | jq -r '[.. | strings | select(. == "'"${address}"'")] | length > 0')" = true ]
  lab pod del a three
}

@test "nothing was denied" {
  local node
  for node in a b; do
    agent_log "${node}" >"${BATS_TEST_TMPDIR}/log"
    [ -s "${BATS_TEST_TMPDIR}/log" ]
    run -1 grep -iE 'permission denied|not permitted|read-only file system|EPERM|EROFS|EACCES' \
      "${BATS_TEST_TMPDIR}/log"
  done
}
