#!/usr/bin/env bats
# The agent's start: what it says while it waits, what it refuses, and who may call it.
# Release build only: its minutes are time-outs

load lab

setup_file() {
  lab_up vpce-start --nodes 1 --type t3.small
  lab agent stop a
}

teardown_file() {
  lab_down
}

teardown() {
  control DELETE /fault >/dev/null
  control POST /imds-fault "{\"instance\":\"$(instance)\"}" >/dev/null
  lab agent kill a 2>/dev/null || true
  rm -f "$(node_dir)/agent.env"
}

instance() { control GET /state | jq -r '.instances[0].id'; }
node_dir() { echo "${VPCLAB_STATE}/node-a"; }
startup() { jq -r "$1" "$(node_dir)/run/startup.json"; }
waits_for() { [[ "$(startup '.state + " " + .waiting')" == "starting "*"$1"* ]]; }
state_is() { [[ "$(startup .state)" == "$1" ]]; }
probe() { lab exec a "${VPCCNI_BUILD}/vpccni-host" probe "-addr=$1"; }
tcp_call() { # PATH, as whoever the arguments after it make us
  local path=$1
  shift
  lab exec a "$@" "${VPCCNI_BUILD}/tests/rpc/rpc_call" 127.0.0.1:50051 "${path}" 5000 </dev/null
}

# The plugin, when no agent answers, tells what the agent last said.
plugin_says() {
  run lab pod add a never
  [ "${status}" -ne 0 ]
  [[ "${output}" == *AGENT_DOWN*"$1"* ]]
}

@test "a black-holed IMDS is named within seconds, to the plugin too, and the start fails with it" {
  control POST /imds-fault "{\"instance\":\"$(instance)\",\"black_hole\":true}"
  lab agent start a nowait
  until_ok 15 waits_for 169.254.169.254
  plugin_says 'read the region from IMDS'
  until_ok 60 state_is failed
  [[ "$(startup .error)" == *IMDS* ]]
  plugin_says 'failed after'
}

@test "a black-holed EC2 is named by its action while the step waits, which ends within its minute" {
  control POST /fault '{"kind":"black_hole","times":100}'
  local before=${SECONDS}
  lab agent start a nowait
  until_ok 30 waits_for 'DescribeNetworkInterfaces at http'
  [[ "$(startup .name)" == *ENIs* ]]
  [ "$(startup .of)" -gt "$(startup .step)" ]
  plugin_says DescribeNetworkInterfaces
  until_ok 90 state_is ready # with what IMDS shows
  ((SECONDS - before <= 90))
}

# A link that takes everything and gives nothing, with 169.254.170.23 behind it.
dig_hole() {
  lab exec a ip link add hole type veth peer name bottom
  lab exec a ip link set bottom up
  lab exec a ip link set hole up
  lab exec a ip route add 169.254.170.23 dev hole
  lab exec a ip neighbour add 169.254.170.23 lladdr 02:00:00:00:00:01 dev hole
}

# what_is_waited_for: with hush-hush in the secrets, which nothing tells.
waits_and_keeps_quiet() {
  dig_hole
  lab agent start a nowait
  until_ok 30 waits_for "$1"
  lab agent kill a
  lab exec a ip link del hole
  [[ -s "$(node_dir)/run/startup.json" && -s "$(node_dir)/ipamd.log" && -s "$(node_dir)/agent.out" ]]
  ! grep -r hush-hush "$(node_dir)/run" "$(node_dir)/ipamd.log" "$(node_dir)/agent.out"
}

@test "black-holed container credentials are named, and nothing of a token is told" {
  printf '%s\n' AWS_CONTAINER_CREDENTIALS_FULL_URI=http://169.254.170.23/v1/credentials \
    AWS_CONTAINER_AUTHORIZATION_TOKEN=hush-hush >"$(node_dir)/agent.env"
  waits_and_keeps_quiet 'GET http://169.254.170.23/v1/credentials'
}

@test "a black-holed STS is named by its action, and nothing of the token is told" {
  echo hush-hush >"$(node_dir)/token"
  printf '%s\n' AWS_ROLE_ARN=arn:aws:iam::1:role/r "AWS_WEB_IDENTITY_TOKEN_FILE=$(node_dir)/token" \
    AWS_ENDPOINT_URL_STS=http://169.254.170.23/ >"$(node_dir)/agent.env"
  waits_and_keeps_quiet 'AssumeRoleWithWebIdentity at http://169.254.170.23'
}

@test "a good start ends with ready, in the file and on stdout" {
  lab agent start a
  state_is ready
  [ "$(startup .step)" -eq "$(startup .of)" ]
  grep -E 'vpccni agent: start-up [0-9]+/[0-9]+ "read the region from IMDS"' "$(node_dir)/agent.out"
  grep 'vpccni agent: start-up ready since' "$(node_dir)/agent.out"
}

@test "an empty policy mode refuses the start and says so" {
  run lab exec a env ENABLE_IPv4=true NETWORK_POLICY_ENFORCING_MODE= \
    AWS_VPC_K8S_CNI_LOG_FILE=stderr timeout 20 "${VPCCNI_BUILD}/vpccni" agent
  [ "${status}" -eq 1 ]
  [[ "${output}" == *NETWORK_POLICY_ENFORCING_MODE* ]]
}

@test "over TCP only root may add and delete pods; health and policy configuration are for all" {
  lab agent start a
  local as_nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)
  local method
  for method in AddNetwork DelNetwork; do
    run tcp_call "/rpc.CNIBackend/${method}" "${as_nobody[@]}"
    [ "${status}" -eq 3 ]
    [[ "${output}" == *"status 7 only root"*"uid 65534"* ]]
    run tcp_call "/rpc.CNIBackend/${method}"
    [[ "${output}" != *"status 7"* ]]
  done
  tcp_call /rpc.ConfigServerBackend/GetNetworkPolicyConfigs "${as_nobody[@]}" >/dev/null
  tcp_call /grpc.health.v1.Health/Check "${as_nobody[@]}" >/dev/null
}

@test "VPCCNI_RPC_PEERS=any lets everybody" {
  echo VPCCNI_RPC_PEERS=any >"$(node_dir)/agent.env"
  lab agent start a
  run tcp_call /rpc.CNIBackend/AddNetwork setpriv --reuid 65534 --regid 65534 --clear-groups
  [[ "${output}" != *"status 7"* ]]
}

@test "VPCCNI_GRPC_LISTEN chooses where the RPC is served" {
  echo VPCCNI_GRPC_LISTEN=unix >"$(node_dir)/agent.env"
  lab agent start a
  probe unix:///var/run/aws-node/ipamd.sock
  run probe 127.0.0.1:50051
  [ "${status}" -eq 2 ]
  lab agent kill a
  rm -f "$(node_dir)/run/ipamd.sock"
  echo VPCCNI_GRPC_LISTEN=tcp >"$(node_dir)/agent.env"
  lab agent start a nowait
  until_ok 30 probe 127.0.0.1:50051
  [ ! -e "$(node_dir)/run/ipamd.sock" ]
}

@test "VPCCNI_READY_MIN_IPS: healthy only with that many addresses, and no more than there can be" {
  printf '%s\n' VPCCNI_READY_MIN_IPS=1000 WARM_IP_TARGET=9 >"$(node_dir)/agent.env"
  control POST /fault '{"kind":"deny","action":"CreateNetworkInterface"}'
  lab agent start a nowait
  until_ok 30 state_is ready
  run probe 127.0.0.1:50051
  [ "${status}" -eq 4 ]
  control DELETE /fault
  until_ok 60 probe 127.0.0.1:50051
  [ "$(introspect a /v1/enis | jq '.["0"].TotalIPs')" -eq 9 ]
}
