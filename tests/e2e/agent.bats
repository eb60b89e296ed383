#!/usr/bin/env bats
# The agent through crashes, broken files and hostile input, with live pods that must not notice.

load lab

setup_file() {
  lab_up vpce-agent --nodes 1 --type t3.small
  pod_add a one
  pod_add a two
  pod_add a three
  pod_add a four # on the second ENI
}

teardown_file() {
  lab_down
}

state() { introspect a /v1/enis | jq -S '[.["0"].ENIs[].AvailableIPv4Cidrs[].IPAddresses[] | select(.IPAMKey.containerID != "") | {(.Address): .IPAMKey.containerID}] | add'; }
node_dir() { echo "${VPCLAB_STATE}/node-a"; }
checkpoint() { echo "$(node_dir)/run/ipam.json"; }
all_ping() {
  local pod
  for pod in one two three four; do
    pings a "${pod}" 198.51.100.9 || return 1
  done
}

@test "kill -9 and restart: every address is still its pod's" {
  local before
  before=$(state)
  [ "$(jq length <<<"${before}")" -eq 4 ]
  lab agent kill a
  all_ping
  lab agent start a
  [ "$(state)" = "${before}" ]
  all_ping
  pod_add a five
  jq -e --arg ip "$(pod_ip a five)" 'has($ip) | not' <<<"${before}"
  lab pod del a five
}

@test "SIGTERM ends it within seconds, and it comes back" {
  local before=${SECONDS}
  lab agent stop a
  ((SECONDS - before <= 8))
  agent_says a ended
  lab agent start a
  all_ping
}

@test "ADD without the agent fails clearly, DEL succeeds by prevResult" {
  pod_add a gone
  local address
  address=$(pod_ip a gone)
  lab agent kill a
  run lab pod add a never
  [ "${status}" -ne 0 ]
  [[ "${output}" == *AGENT_DOWN* ]]
  lab pod del a gone
  run lab exec a ip rule
  [[ "${output}" != *"${address} "* ]]
  lab agent start a
  all_ping
}

@test "a corrupt checkpoint is kept aside, live pods are found in the kernel" {
  lab agent kill a
  echo '{"version": "vpc-cni-ipam/1", "allocations": [{"netw' >"$(checkpoint)"
  lab agent start a
  agent_says a 'live pods are taken from the kernel'
  ls "$(node_dir)"/run/ipam.json.unusable-*
  [ "$(state | jq length)" -eq 4 ]
  all_ping
  # Their DEL still works: the pod is found by its veth.
  lab pod del a three
  [ "$(state | jq length)" -eq 3 ]
  pod_add a three
}

@test "an empty checkpoint and one of a future version" {
  lab agent kill a
  : >"$(checkpoint)"
  lab agent start a
  [ "$(state | jq length)" -eq 4 ]
  lab agent kill a
  echo '{"version": "vpc-cni-ipam/99", "allocations": []}' >"$(checkpoint)"
  lab agent start a
  agent_says a vpc-cni-ipam/99
  [ "$(state | jq length)" -eq 4 ]
  all_ping
}

@test "random bytes and half requests on both RPC addresses" {
  for _ in 1 2 3 4 5; do
    lab exec a sh -c 'head -c 65536 /dev/urandom | timeout 2 nc -N 127.0.0.1 50051 >/dev/null' || true
    lab exec a sh -c 'printf "GET / HTTP/1.1\r\n\r\n" | timeout 2 nc -N 127.0.0.1 50051 >/dev/null' || true
    lab exec a sh -c '{ printf "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"; head -c 100000 /dev/zero; } | timeout 2 nc -N -U /var/run/aws-node/ipamd.sock >/dev/null' || true
  done
  lab exec a "${VPCCNI_BUILD}/vpccni-host" probe -addr=127.0.0.1:50051 -service=grpc.health.v1.aws-node
  lab exec a "${VPCCNI_BUILD}/vpccni-host" probe -addr=unix:///var/run/aws-node/ipamd.sock
  run lab exec a "${VPCCNI_BUILD}/vpccni-host" probe -addr=127.0.0.1:50051 -service=other
  [ "${status}" -eq 3 ]
  all_ping
}

@test "metrics and introspection answer" {
  run lab exec a curl -sS --fail http://127.0.0.1:61678/metrics
  [ "${status}" -eq 0 ]
  [[ "${output}" == *"awscni_assigned_ip_addresses 4"* ]]
  [[ "${output}" == *"awscni_eni_allocated 2"* || "${output}" == *"awscni_eni_allocated 3"* ]]
  [ "$(introspect a /v1/pods | jq length)" -eq 4 ]
  introspect a /v1/plan | jq -e '.because != ""'
  introspect a /none | jq -e '.AvailableCommands | length > 0'
}

@test "a late DEL of an old sandbox does not touch the pod of the same name" {
  run plugin DEL a one 0123456789abcdef0123456789abcdef
  [ "${status}" -eq 0 ]
  pings a one 198.51.100.9
  [ "$(state | jq length)" -eq 4 ]
}

@test "an ADD that cannot be wired gives its address back and leaves nothing" {
  ip netns add "${VPCLAB_NAME}-odd"
  ip -n "${VPCLAB_NAME}-odd" link add eth0 type veth peer name other
  local before
  before=$(
    lab exec a ip rule
    lab exec a ip -4 route show table all
    lab exec a ip -o link | cut -d: -f2
  )
  NETNS=/run/netns/${VPCLAB_NAME}-odd run plugin ADD a odd aaaabbbbccccdddd
  ip netns del "${VPCLAB_NAME}-odd"
  [ "${status}" -eq 1 ]
  [ "$(jq .code <<<"${output}")" = 999 ]
  [[ "${output}" == *eth0* ]]
  [ "$(state | jq length)" -eq 4 ]
  diff <(echo "${before}") <(
    lab exec a ip rule
    lab exec a ip -4 route show table all
    lab exec a ip -o link | cut -d: -f2
  )
}

release_queue() { ls "$(node_dir)/run/release-queue" 2>/dev/null; }
held() { [[ "$(state)" == *"\"$1\""* ]]; }
not_held() { ! held "$1"; }

@test "a DEL while no agent runs is written down, and the next agent frees the address although the link is there" {
  pod_add a late
  local address id
  address=$(pod_ip a late)
  id=$(<"$(node_dir)/pods/late.id")
  lab agent kill a
  plugin DEL a late "${id}" "$(jq -c '{cniVersion: "1.0.0", name: "aws-cni", type: "aws-cni", prevResult: .}' \
    "$(node_dir)/pods/late.result")"
  [ "$(release_queue)" = "${id}-eth0" ]
  lab agent start a
  until_ok 20 not_held "${address}"
  [ -z "$(release_queue)" ]
  agent_says a 'deleted while no agent answered is free'
  run lab exec a ip rule
  [[ "${output}" != *"${address} "* ]]
  all_ping
  lab pod del a late
}

@test "a DEL that could take nothing away: the address is held until the pod is gone" {
  pod_add a later
  local address id
  address=$(pod_ip a later)
  id=$(<"$(node_dir)/pods/later.id")
  lab agent kill a
  plugin DEL a later "${id}" # no prevResult
  lab agent start a
  sleep 6 # a look
  held "${address}"
  pings a later "$(pod_ip a one)"
  [ "$(release_queue)" = "${id}-eth0" ]
  lab exec a ip link del "$(lab exec a ip route show "${address}" | awk '{print $3}')"
  until_ok 20 not_held "${address}"
  [ -z "$(release_queue)" ]
  run lab exec a ip rule
  [[ "${output}" != *"${address} "* ]]
  lab pod del a later
}

# MORE: more keys of the configuration.
gc() {
  plugin GC a one x "$(jq -cn '{cniVersion: "1.1.0", name: "aws-cni", type: "aws-cni",
    "cni.dev/valid-attachments": []} + '"$1")"
}

# The runtime's list is empty: whatever the host still shows must be left alone all the same.
@test "GC gives back what the runtime and the host do not know, and nothing that lives" {
  pod_add a leaked
  local address
  address=$(pod_ip a leaked)
  lab exec a ip link del "$(lab exec a ip route show "${address}" | awk '{print $3}')"
  gc '{vpccniChecks: "true"}'
  [ -z "$(release_queue)" ] # it is young
  # Older for the plugin; the agent writes the file anew with the next change.
  sed -i 's/"allocationTimestamp":[0-9]*/"allocationTimestamp":1/g' "$(checkpoint)"
  gc '{}'
  [ -z "$(release_queue)" ] # not told to look
  held "${address}"
  gc '{vpccniChecks: "true"}'
  until_ok 20 not_held "${address}"
  [ -z "$(release_queue)" ] # no record of a pod that lives
  [ "$(state | jq length)" -eq 4 ]
  all_ping
  run gc '{vpccniChecks: "true", "cni.dev/valid-attachments": [{}]}'
  [ "${status}" -eq 1 ]
  lab pod del a leaked
}

@test "wrong settings: named, defaults used, or the start refused" {
  lab agent stop a
  printf '%s\n' WARM_ENI_TARGET=many AWS_VPC_ENI_MTU=12 >"$(node_dir)/agent.env"
  lab agent start a
  agent_says a WARM_ENI_TARGET
  agent_says a AWS_VPC_ENI_MTU
  lab agent stop a
  printf '%s\n' ENABLE_IPv6=true >"$(node_dir)/agent.env"
  run lab exec a env ENABLE_IPv4=true ENABLE_IPv6=true AWS_VPC_K8S_CNI_LOG_FILE=stderr timeout 20 "${VPCCNI_BUILD}/vpccni" agent
  [ "${status}" -eq 1 ]
  [[ "${output}" == *"exactly one of ENABLE_IPv4 and ENABLE_IPv6"* ]]
  rm "$(node_dir)/agent.env"
  lab agent start a
  all_ping
}
