#!/usr/bin/env bats
# The image's entrypoint and init container, without an image: docker/entrypoint.sh and the commands
# it is made of, on nodes of the lab.
# shellcheck disable=SC2154  # stderr is of run --separate-stderr

load lab

bats_require_minimum_version 1.5.0

root=${BATS_TEST_DIRNAME}/../..

setup_file() {
  local app=${BATS_FILE_TMPDIR}/app
  mkdir -p "${app}"
  ln -s "${VPCCNI_BUILD}/vpccni" "${app}/vpccni"
  cp "${VPCCNI_BUILD}/vpccni-host" "${app}/"
  cp "${root}/docker/10-aws.conflist" "${app}/"
  lab_up vpce-entry --nodes 1
  export VPCLAB_AGENT="env APP_DIR=${app} ${root}/docker/entrypoint.sh"
}

teardown_file() { lab_down; }

teardown() { control POST /imds-fault "{\"instance\":\"$(instance)\"}" >/dev/null; }

setup() {
  app=${BATS_FILE_TMPDIR}/app
  host="${BATS_TEST_TMPDIR}/host"
  mkdir -p "${host}/bin" "${host}/net.d"
}

# start NODE [VARIABLE=VALUE...]: its entrypoint, with these settings and its own host directories.
start() {
  local node=$1
  shift
  lab agent stop "${node}" || true
  printf '%s\n' "HOST_CNI_BIN_PATH=${host}/bin" "HOST_CNI_CONFDIR_PATH=${host}/net.d" "$@" \
    >"${VPCLAB_STATE}/node-${node}/agent.env"
  : >"${VPCLAB_STATE}/node-${node}/agent.out"
  rm -f "${VPCLAB_STATE}/node-${node}/agent.pid"
  lab agent start "${node}" nowait
  until_ok 10 test -s "${VPCLAB_STATE}/node-${node}/agent.pid"
}

out() { cat "${VPCLAB_STATE}/node-$1/agent.out"; }
says() { out "$1" | grep -qF -- "$2"; }
# The entrypoint of a node, and its agent.
entrypoint_pid() { cat "${VPCLAB_STATE}/node-$1/agent.pid"; }
agent_pid() { pgrep -P "$(entrypoint_pid "$1")" -x vpccni; }
instance() { control GET /state | jq -r '.instances[0].id'; }
gone() { ! kill -0 "$1" 2>/dev/null; }
conflist() { "${app}/vpccni" conflist --template "${app}/10-aws.conflist" "$@"; }

@test "to ready: plugins at once, the conflist when the agent serves; TERM ends it with 0" {
  start a
  until_ok 30 says a 'entrypoint: ready'
  [ "$(stat -c %a "${host}/net.d/10-aws.conflist")" = 644 ]
  [ "$(stat -c %a "${host}/bin/aws-cni")" = 755 ]
  cmp "${app}/vpccni-host" "${host}/bin/egress-cni"
  # Nothing else is left in either.
  [ "$(find "${host}" -type f | wc -l)" -eq 3 ]
  jq -e '.name == "aws-cni" and .plugins[0].mtu == "9001" and .plugins[1].enabled == "false"' \
    "${host}/net.d/10-aws.conflist"
  local pid
  pid=$(entrypoint_pid a)
  kill -TERM "${pid}"
  until_ok 20 gone "${pid}"
  says a 'the agent ended with 0'
}

@test "the installed plugin adds a pod as the installed conflist says" {
  start a AWS_VPC_K8S_CNI_VETHPREFIX=pod POD_MTU=1400
  until_ok 30 says a 'entrypoint: ready'
  local config result
  config=$(jq -c '{cniVersion, name} + .plugins[0]' "${host}/net.d/10-aws.conflist")
  ip netns add "${VPCLAB_NAME}-a-real"
  result=$(lab exec a env CNI_COMMAND=ADD CNI_CONTAINERID=real1 \
    CNI_NETNS="/run/netns/${VPCLAB_NAME}-a-real" CNI_IFNAME=eth0 CNI_PATH="${host}/bin" \
    CNI_ARGS='K8S_POD_NAMESPACE=default;K8S_POD_NAME=real;IgnoreUnknown=1' \
    "${host}/bin/aws-cni" <<<"${config}")
  jq -e '.interfaces[0].name | startswith("pod")' <<<"${result}"
  ip netns exec "${VPCLAB_NAME}-a-real" ip link show eth0 | grep -q 'mtu 1400'
  lab exec a env CNI_COMMAND=DEL CNI_CONTAINERID=real1 \
    CNI_NETNS="/run/netns/${VPCLAB_NAME}-a-real" CNI_IFNAME=eth0 CNI_PATH="${host}/bin" \
    CNI_ARGS='K8S_POD_NAMESPACE=default;K8S_POD_NAME=real;IgnoreUnknown=1' \
    "${host}/bin/aws-cni" <<<"${config}"
  ip netns del "${VPCLAB_NAME}-a-real"
}

@test "an agent that dies while it starts is noticed, and its exit code kept" {
  start a ENABLE_IPv4=false
  local pid
  pid=$(entrypoint_pid a)
  until_ok 10 gone "${pid}"
  says a 'the agent ended with 1'
  [ ! -e "${host}/net.d/10-aws.conflist" ]
}

@test "an agent that is killed ends the container" {
  start a
  until_ok 30 says a 'entrypoint: ready'
  local pid
  pid=$(entrypoint_pid a)
  kill -KILL "$(agent_pid a)"
  until_ok 10 gone "${pid}"
  says a 'the agent ended with 137'
}

@test "TERM while it starts; the start's step is shown while it lasts" {
  control POST /imds-fault "{\"instance\":\"$(instance)\",\"black_hole\":true}"
  start a
  local pid
  pid=$(entrypoint_pid a)
  until_ok 20 says a 'the agent is not ready yet: starting: '
  [ ! -e "${host}/net.d/10-aws.conflist" ]
  kill -TERM "${pid}"
  until_ok 20 gone "${pid}"
  says a 'entrypoint: the agent ended with'
}

@test "settings that are refused, all at once, before anything is installed" {
  start a AWS_VPC_K8S_PLUGIN_LOG_FILE=stdout AWS_VPC_K8S_CNI_VETHPREFIX=vlan
  until_ok 10 gone "$(entrypoint_pid a)"
  says a 'AWS_VPC_K8S_PLUGIN_LOG_FILE="stdout"'
  says a 'AWS_VPC_K8S_CNI_VETHPREFIX="vlan"'
  [ -z "$(ls -A "${host}/bin")" ]
}

@test "required cryptography that is not the module's: nothing is installed" {
  start a VPCCNI_FIPS=require
  until_ok 10 gone "$(entrypoint_pid a)"
  says a 'FAIL  provider.active'
  says a 'entrypoint: the cryptographic module is not in order'
  [ -z "$(ls -A "${host}/bin")" ]
}

@test "a directory in place of the xtables lock is named" {
  # shellcheck disable=SC2016  # for the inner shell
  APP_DIR="${app}" HOST_CNI_BIN_PATH="${host}/bin" run -1 unshare -m \
    sh -c 'mount -t tmpfs none /run && mkdir /run/xtables.lock && exec "$0"' "${root}/docker/entrypoint.sh"
  [[ ${output} == *'/run/xtables.lock is a directory'* ]]
  [ -z "$(ls -A "${host}/bin")" ]
}

@test "arguments are run in place of the start" {
  run -0 "${root}/docker/entrypoint.sh" echo hello
  [ "${output}" = hello ]
}

@test "egress of an IPv4 cluster needs an IPv6 address of the node" {
  run --separate-stderr -0 lab exec a env ENABLE_V6_EGRESS=true "${app}/vpccni" conflist --print \
    --template "${app}/10-aws.conflist"
  jq -e '.plugins[1] | .enabled == "false" and .nodeIP == ""' <<<"${output}"
  [[ ${stderr} == *'IPv6 egress is off'* ]]
  # IMDS that does not answer is a warning as well, not an error.
  run --separate-stderr -0 lab exec a env ENABLE_V6_EGRESS=true \
    AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:9/ "${app}/vpccni" conflist --print \
    --template "${app}/10-aws.conflist"
  [[ ${stderr} == *'IPv6 egress is off'* ]]
}

@test "egress of an IPv6 cluster needs the node's IPv4 address" {
  run --separate-stderr -0 lab exec a env ENABLE_IPv6=true "${app}/vpccni" conflist --print \
    --template "${app}/10-aws.conflist"
  jq -e '.plugins[1] | .enabled == "true" and (.nodeIP | startswith("10.")) and
    .ipam.dataDir == "/run/cni/v6pd/egress-v4-ipam"' <<<"${output}"
  run -1 lab exec a env ENABLE_IPv6=true AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:9/ \
    "${app}/vpccni" conflist --print --template "${app}/10-aws.conflist"
}

# imds_says PORT BODY: an IMDS on node a that has only this, for every path; 404 if it is "".
imds_says() {
  lab exec a python3 -c '
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_PUT(self): self.send_error(404)
    def do_GET(self):
        if not sys.argv[2]: return self.send_error(404)
        self.send_response(200)
        self.send_header("Content-Length", str(len(sys.argv[2])))
        self.end_headers()
        self.wfile.write(sys.argv[2].encode())
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()' "$@" 3>&- &
  until_ok 10 lab exec a curl -s "http://127.0.0.1:$1/"
}

@test "an IMDS without the address, or with one of the other family" {
  local server ended=0
  imds_says 8093 '' && server=$!
  # Also when egress is off.
  run -1 lab exec a timeout 30 env ENABLE_IPv6=true ENABLE_V4_EGRESS=false \
    AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:8093 "${app}/vpccni" conflist --print \
    --template "${app}/10-aws.conflist" || ended=1
  kill "${server}" 2>/dev/null || true
  [ "${ended}" -eq 0 ]
  [[ ${output} == *'IMDS has no meta-data/local-ipv4'* ]]
  imds_says 8094 10.0.0.9 && server=$!
  run -0 --separate-stderr lab exec a timeout 30 env ENABLE_V6_EGRESS=true \
    AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:8094 "${app}/vpccni" conflist --print \
    --template "${app}/10-aws.conflist" || ended=1
  kill "${server}" 2>/dev/null || true
  [ "${ended}" -eq 0 ]
  [[ ${stderr} == *'10.0.0.9 is of the other family'* ]]
  jq -e '.plugins[1] | .enabled == "false" and .nodeIP == ""' <<<"${output}"
}

@test "the default environment: the template's bytes, with upstream's values in them" {
  conflist --to "${host}/net.d"
  sed -e 's/__VETHPREFIX__/eni/; s/__MTU__/9001/; s/__PODSGENFORCINGMODE__/strict/' \
    -e 's,__PLUGINLOGFILE__,/var/log/aws-routed-eni/plugin.log,; s/__PLUGINLOGLEVEL__/Debug/' \
    -e 's/__EGRESSPLUGINENABLED__/false/; s/__RANDOMIZESNAT__/prng/; s/__NODEIP__//' \
    -e 's,__EGRESSPLUGINIPAMSUBNET__,fd00::ac:00/118,; s,__EGRESSPLUGINIPAMDST__,::/0,' \
    -e 's,__EGRESSPLUGINIPAMDATADIR__,/run/cni/v4pd/egress-v6-ipam,' \
    -e 's,__EGRESSPLUGINLOGFILE__,/var/log/aws-routed-eni/egress-v6-plugin.log,' \
    "${app}/10-aws.conflist" | cmp - "${host}/net.d/10-aws.conflist"
}

@test "bandwidth and tuning, in all combinations, take nothing away" {
  local bandwidth tuning types
  for bandwidth in false true; do
    for tuning in false true; do
      ENABLE_BANDWIDTH_PLUGIN=${bandwidth} DISABLE_POD_V6=${tuning} conflist --to "${host}/net.d"
      types='aws-cni egress-cni portmap'
      [ "${bandwidth}" = false ] || types+=' bandwidth'
      [ "${tuning}" = false ] || types+=' tuning'
      jq -e --arg types "${types}" '([.plugins[].type] | join(" ")) == $types and
        .plugins[1].nodeIP == "" and .plugins[2].snat == true' "${host}/net.d/10-aws.conflist"
    done
  done
}

@test "the checks of CNI 1.1 are turned on by one setting" {
  VPCCNI_CNI_CHECKS=true conflist --to "${host}/net.d"
  jq -e '.disableCheck == false and .plugins[0].vpccniChecks == "true"' "${host}/net.d/10-aws.conflist"
}

@test "a conflist is replaced in one step, and a broken template replaces nothing" {
  conflist --to "${host}/net.d"
  cp "${host}/net.d/10-aws.conflist" "${BATS_TEST_TMPDIR}/before"
  echo '{' >"${BATS_TEST_TMPDIR}/broken"
  run -1 "${app}/vpccni" conflist --template "${BATS_TEST_TMPDIR}/broken" --to "${host}/net.d"
  [[ ${output} == *broken* ]]
  cmp "${host}/net.d/10-aws.conflist" "${BATS_TEST_TMPDIR}/before"
  [ "$(ls -A "${host}/net.d")" = 10-aws.conflist ]
}

@test "a plugin that runs is replaced, not written into" {
  cp "$(command -v sleep)" "${host}/bin/aws-cni"
  "${host}/bin/aws-cni" 30 3>&- &
  local running=$!
  run "${app}/vpccni" host install --from "${app}" --to "${host}/bin"
  kill "${running}"
  [ "${status}" -eq 0 ]
  cmp "${app}/vpccni-host" "${host}/bin/aws-cni"
  [[ ${lines[0]} == "Installed ${host}/bin/aws-cni" ]]
}

@test "init: the reference plugins, then the kernel's parameters, by upstream's name" {
  mkdir "${BATS_TEST_TMPDIR}/init"
  cp "${app}/vpccni-host" "${BATS_TEST_TMPDIR}/init/loopback"
  echo text >"${BATS_TEST_TMPDIR}/init/LICENSE"
  cp "${VPCCNI_BUILD}/vpccni" "${BATS_TEST_TMPDIR}/init/aws-vpc-cni-init"
  ln -s "${VPCCNI_BUILD}/vpccni" "${BATS_TEST_TMPDIR}/init/vpccni"
  lab exec a sysctl -qw net.ipv4.tcp_early_demux=1 net.ipv6.conf.all.forwarding=0
  run -0 lab exec a env DISABLE_TCP_EARLY_DEMUX=true ENABLE_V6_EGRESS=true \
    "${app}/vpccni" host init --from "${BATS_TEST_TMPDIR}/init" --to "${host}/bin"
  # Neither links nor the init program are installed.
  [ "$(find "${host}/bin" -type f -printf '%f ' | xargs -n1 | sort | xargs)" = 'LICENSE loopback' ]
  [ "$(stat -c %a "${host}/bin/loopback" "${host}/bin/LICENSE" | xargs)" = '755 644' ]
  local link
  link=$(sed -n 's/^Kernel parameters of \(.*\) are set$/\1/p' <<<"${output}")
  [ "$(lab exec a cat "/proc/sys/net/ipv4/conf/${link}/rp_filter")" = 2 ]
  [ "$(lab exec a cat /proc/sys/net/ipv4/tcp_early_demux)" = 0 ]
  [ "$(lab exec a cat /proc/sys/net/ipv6/conf/all/forwarding)" = 1 ]
  [ "$(lab exec a cat "/proc/sys/net/ipv6/conf/${link}/accept_ra")" = 2 ]
  # By the name alone it is the same, from /init; which there is none of here.
  run -1 lab exec a env HOST_CNI_BIN_PATH="${host}/bin" "${BATS_TEST_TMPDIR}/init/aws-vpc-cni-init"
  [[ ${output} == *'aws-vpc-cni-init: /init: '* ]]
}
