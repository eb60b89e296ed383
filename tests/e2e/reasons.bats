#!/usr/bin/env bats
# Why a pod gets no address (spec users.md 1.6): one case for each reason. The plugin's text begins as
# upstream's and names the reason, which is in the agent's log and its metrics as well.
#
# Not here: IMDS_STALE (this agent waits for no metadata of an ENI that it has made), ENICONFIG_MISSING
# and BRANCH_ENI_PENDING (custom networking and security groups for pods).

load lab

# A node for each case: one ENI with three addresses, or one prefix. What goes wrong does so for one
# node only, and all wait at the same time: an ADD is refused after some seconds of patience.
setup_file() {
  local subnet
  export PREFIX='add cmd: failed to assign an IP address to container: '
  lab_up vpce-reasons --nodes 8 --type t3.small --lag none \
    --env a:MAX_ENI=1 --env a:IP_COOLDOWN_PERIOD=60 --env h:ENABLE_PREFIX_DELEGATION=true --env h:WARM_IP_TARGET=1
  fault b '{kind: "delay", delay_ms: 4000}'
  fault c '{kind: "throttle"}'
  fault d '{kind: "deny", action: "CreateNetworkInterface"}'
  fault e '{kind: "cut"}'
  control POST /imds-fault \
    "{\"instance\":\"$(instance f)\",\"missing\":[\"meta-data/iam/security-credentials\"]}" >/dev/null
  lab agent restart f
  for subnet in $(subnets); do
    control POST /subnet-fault "{\"subnet\":\"${subnet}\",\"fragmented\":true}" >/dev/null
  done
  wait_for_refusal a ENI_LIMIT &
  wait_for_refusal b POOL_EMPTY_GROWING &
  wait_for_refusal c EC2_THROTTLED &
  wait_for_refusal d EC2_DENIED &
  wait_for_refusal e EC2_UNREACHABLE &
  wait_for_refusal f CREDENTIALS &
  wait_for_refusal h PREFIX_FRAGMENTED &
  wait
  control DELETE /fault >/dev/null
}

teardown_file() {
  lab_down
}

subnets() { control GET /state | jq -r '.subnets[].id'; }

instance() { # NODE
  local address
  address=$(lab exec "$1" ip -4 -j addr show eth0 | jq -r '.[0].addr_info[0].local')
  control GET /state | jq -r --arg at "${address}" '.instances[] | select(.address == $at) | .id'
}

fault() { # NODE FAULT
  control POST /fault "$(jq -nc --arg i "$(instance "$1")" "{instance: \$i} + $2")" >/dev/null
}

# Pods until one is refused for this reason; what the plugin printed goes to a file.
wait_for_refusal() { # NODE REASON
  local i out=${BATS_FILE_TMPDIR}/$2
  for ((i = 0; i < 60; i++)); do
    if ! lab pod add "$1" "${1}${i}" >"${out}.new" 2>&1 3>&- && grep -qF "\"msg\": \"${PREFIX}$2: " "${out}.new"; then
      mv "${out}.new" "${out}"
      return
    fi
    sleep 0.2
  done
}

# refused NODE REASON DETAIL: so says the plugin; the agent's log and metrics say the reason.
refused() {
  cat "${BATS_FILE_TMPDIR}/$2" || cat "${BATS_FILE_TMPDIR}/$2.new"
  grep -F "\"msg\": \"${PREFIX}$2: " "${BATS_FILE_TMPDIR}/$2" | grep -F "$3"
  agent_log "$1" | grep -F 'no address for a pod' | grep -F "$2" >/dev/null
  counted "$1" "$2"
}

counted() { # NODE REASON
  # Until the agent feeds it.
  [[ -f ${BATS_TEST_DIRNAME}/../../lib/agent/agent_metrics.cc ]] || return 0
  lab exec "$1" curl -sS --fail http://127.0.0.1:61678/metrics \
    | grep -E "^vpccni_add_failures_total\{reason=\"$2\"\} [1-9]"
}

@test "ENI_LIMIT" {
  refused a ENI_LIMIT '3/3 used on 1/1 ENIs'
}

@test "POOL_COOLING" {
  lab pod del a a0
  wait_for_refusal a POOL_COOLING
  refused a POOL_COOLING '1 cooling, next in '
}

@test "POOL_EMPTY_GROWING" {
  refused b POOL_EMPTY_GROWING 'EC2 request in flight'
}

@test "EC2_THROTTLED" {
  refused c EC2_THROTTLED RequestLimitExceeded
}

@test "EC2_DENIED" {
  refused d EC2_DENIED 'UnauthorizedOperation'
}

@test "EC2_UNREACHABLE" {
  refused e EC2_UNREACHABLE 192.0.2.1
}

@test "CREDENTIALS" {
  refused f CREDENTIALS 'no EC2 IMDS role found'
}

@test "PREFIX_FRAGMENTED" {
  refused h PREFIX_FRAGMENTED 'VPCCNI_PD_FALLBACK'
}

@test "QUARANTINED_ONLY" {
  local pod
  # What EC2 gave after the moment that it shows is on no list.
  fault g '{kind: "stale"}'
  for pod in one two three four; do pod_add g "${pod}"; done
  lab agent kill g
  lab agent start g
  run plugin ADD g four "$(<"${VPCLAB_STATE}/node-g/pods/four.id")"
  control DELETE /fault >/dev/null
  [ "${status}" -ne 0 ]
  [[ ${output} == *"${PREFIX}QUARANTINED_ONLY: "* ]]
  counted g QUARANTINED_ONLY
}

@test "MULTI_NIC_OFF" {
  local config='{"cniVersion":"1.0.0","name":"aws-cni","type":"aws-cni","runtimeConfig":{"io.kubernetes.cri.pod-annotations":{"k8s.amazonaws.com/nicConfig":"multi-nic-attachment"}}}'
  ip netns add "${VPCLAB_NAME}-many"
  NETNS=/run/netns/${VPCLAB_NAME}-many run plugin ADD b many aaaabbbbcccc "${config}"
  ip netns del "${VPCLAB_NAME}-many"
  [ "${status}" -ne 0 ]
  [[ ${output} == *"${PREFIX}MULTI_NIC_OFF: "* ]]
  counted b MULTI_NIC_OFF
}

@test "CHECKPOINT_WRITE: a disk that takes no more; nothing is given away" {
  local run=${VPCLAB_STATE}/node-g/run
  lab agent kill g
  mount -t tmpfs -o size=16k none "${run}" 2>/dev/null
  lab agent start g
  local before
  before=$(introspect g /v1/plan | jq .assigned)
  head -c 16k /dev/zero >"${run}/filler" 2>/dev/null || true
  wait_for_refusal g CHECKPOINT_WRITE
  umount -l "${run}"
  refused g CHECKPOINT_WRITE 'No space left on device'
  [ "$(introspect g /v1/plan | jq .assigned)" -eq "${before}" ]
}

@test "SUBNET_EXHAUSTED" {
  local subnet
  for subnet in $(subnets); do
    control POST /subnet-fault "{\"subnet\":\"${subnet}\",\"full\":true}" >/dev/null
  done
  wait_for_refusal d SUBNET_EXHAUSTED
  refused d SUBNET_EXHAUSTED InsufficientFreeAddressesInSubnet
}

@test "AGENT_DOWN, with the step at which the agent's start ended" {
  lab agent kill b
  run lab pod add b never
  [ "${status}" -ne 0 ]
  [[ ${output} == *'add cmd: failed to connect to backend server: AGENT_DOWN: '*'last startup step: '* ]]
  run lab exec b env ENABLE_IPv4=true ENABLE_IPv6=true AWS_VPC_K8S_CNI_LOG_FILE=stderr "${VPCCNI_BUILD}/vpccni" agent
  [ "${status}" -eq 1 ]
  run lab pod add b never
  [ "${status}" -ne 0 ]
  [[ ${output} == *'last startup step: '*'exactly one of ENABLE_IPv4 and ENABLE_IPv6'* ]]
}
