#!/usr/bin/env bats
# Why a pod gets no address (spec users.md 1.6): one case for each reason. The plugin's text begins as
# upstream's and names the reason, which is in the agent's log and its metrics as well.
#
# Not here: IMDS_STALE (this agent waits for no metadata of an ENI that it has made), ENICONFIG_MISSING
# and BRANCH_ENI_PENDING (custom networking and security groups for pods).

load lab

# A node for each case: one ENI with three addresses, so that three pods take all.
setup_file() {
  lab_up vpce-reasons --nodes 8 --type t3.small --lag none \
    --env a:MAX_ENI=1 --env g:IP_COOLDOWN_PERIOD=1 \
    --env h:ENABLE_PREFIX_DELEGATION=true --env h:WARM_PREFIX_TARGET=1
}

teardown() {
  control DELETE /fault >/dev/null
}

teardown_file() {
  lab_down
}

instance() { # NODE
  control GET /state | jq -r --arg at "$(lab exec "$1" ip -4 -j addr show eth0 | jq -r '.[0].addr_info[0].local')" \
    '.instances[] | select(.address == $at) | .id'
}

fault() { # NODE FAULT
  control POST /fault "$(jq -nc --arg i "$(instance "$1")" "{instance: \$i} + $2")" >/dev/null
}

prefix='add cmd: failed to assign an IP address to container: '

# refused NODE REASON DETAIL: pods until one is refused for this reason, within 30 s.
refused() {
  local i msg
  for ((i = 0; i < 100; i++)); do
    if ! msg=$(lab pod add "$1" "r${BATS_TEST_NUMBER}-${i}" 2>&1) && [[ ${msg} == *"\"msg\": \"${prefix}$2: "* ]]; then
      echo "${msg}"
      [[ ${msg} == *$3* ]]
      agent_log "$1" | grep -F 'no address for a pod' | grep -F "$2" >/dev/null
      counted "$1" "$2"
      return
    fi
    sleep 0.3
  done
  echo "never refused for $2: ${msg}"
  return 1
}

counted() { # NODE REASON
  lab exec "$1" curl -sS --fail http://127.0.0.1:61678/metrics \
    | grep -E "^vpccni_add_failures_total\{reason=\"$2\"\} [1-9]"
}

@test "ENI_LIMIT, and POOL_COOLING once a pod has left" {
  for pod in one two three; do pod_add a "${pod}"; done
  refused a ENI_LIMIT '3 of 3 used on 1 of 1 ENIs'
  lab pod del a one
  refused a POOL_COOLING '1 cooling, next in '
}

@test "POOL_EMPTY_GROWING" {
  fault b '{kind: "delay", delay_ms: 4000}'
  refused b POOL_EMPTY_GROWING 'EC2 request in flight'
}

@test "EC2_THROTTLED" {
  fault c '{kind: "throttle"}'
  refused c EC2_THROTTLED RequestLimitExceeded
}

@test "EC2_DENIED" {
  fault d '{kind: "deny", action: "CreateNetworkInterface"}'
  refused d EC2_DENIED UnauthorizedOperation
}

@test "EC2_UNREACHABLE" {
  fault e '{kind: "cut"}'
  refused e EC2_UNREACHABLE 192.0.2.1
}

@test "CREDENTIALS" {
  control POST /imds-fault "{\"instance\":\"$(instance f)\",\"missing\":[\"meta-data/iam/security-credentials\"]}"
  lab agent restart f
  refused f CREDENTIALS credentials
}

@test "QUARANTINED_ONLY" {
  # What EC2 gave after the moment that it shows is on no list.
  fault g '{kind: "stale"}'
  for pod in one two three four; do pod_add g "${pod}"; done
  lab agent kill g
  lab agent start g
  run plugin ADD g four "$(<"${VPCLAB_STATE}/node-g/pods/four.id")"
  [ "${status}" -ne 0 ]
  [[ ${output} == *"${prefix}QUARANTINED_ONLY: "* ]]
  counted g QUARANTINED_ONLY
}

@test "PREFIX_FRAGMENTED" {
  local subnet
  for subnet in $(control GET /state | jq -r '.subnets[].id'); do
    control POST /subnet-fault "{\"subnet\":\"${subnet}\",\"fragmented\":true}" >/dev/null
  done
  printf '%s\n' ENABLE_PREFIX_DELEGATION=true WARM_IP_TARGET=1 >"${VPCLAB_STATE}/node-h/agent.env"
  refused h PREFIX_FRAGMENTED '/28'
  for subnet in $(control GET /state | jq -r '.subnets[].id'); do
    control POST /subnet-fault "{\"subnet\":\"${subnet}\"}" >/dev/null
  done
}

@test "MULTI_NIC_OFF" {
  local config='{"cniVersion":"1.0.0","name":"aws-cni","type":"aws-cni","runtimeConfig":{"io.kubernetes.cri.pod-annotations":{"k8s.amazonaws.com/nicConfig":"multi-nic-attachment"}}}'
  ip netns add "${VPCLAB_NAME}-many"
  NETNS=/run/netns/${VPCLAB_NAME}-many run plugin ADD b many aaaabbbbcccc "${config}"
  ip netns del "${VPCLAB_NAME}-many"
  [ "${status}" -ne 0 ]
  [[ ${output} == *"${prefix}MULTI_NIC_OFF: "* ]]
  counted b MULTI_NIC_OFF
}

@test "CHECKPOINT_WRITE: a disk that takes no more; nothing is given away" {
  local run=${VPCLAB_STATE}/node-e/run
  lab agent kill e
  mount -t tmpfs -o size=16k none "${run}" 2>/dev/null
  lab agent start e
  head -c 16k /dev/zero >"${run}/filler" 2>/dev/null || true
  refused e CHECKPOINT_WRITE 'No space left on device'
  umount -l "${run}"
  [ "$(introspect e /v1/plan | jq .assigned)" -eq 0 ]
}

@test "SUBNET_EXHAUSTED" {
  local subnet
  for subnet in $(control GET /state | jq -r '.subnets[].id'); do
    control POST /subnet-fault "{\"subnet\":\"${subnet}\",\"full\":true}" >/dev/null
  done
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
