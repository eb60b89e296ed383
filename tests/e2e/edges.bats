#!/usr/bin/env bats
# EC2, IMDS and the API server misbehave: the agent says what is wrong, loses nothing, recovers.

load lab

# A fresh lab for each test: it takes less than a second, and growth starts from one ENI.
setup() {
  lab_up vpce-edges --nodes 1 --type t3.small
  pod_add a one
}

teardown() {
  control DELETE /fault >/dev/null
  control GET /check >/dev/null # the model's own invariants
  lab_down
}

instance() { control GET /state | jq -r '.instances[0].id'; }
total() { introspect a /v1/enis | jq '.["0"].TotalIPs'; }
total_is() { [ "$(total)" -eq "$1" ]; }
settled() { introspect a /v1/plan | jq -e '.running == "" and .lastError == ""'; }
in_ec2() { control GET /state | jq '[.enis[] | select(.attachment != null) | (.addresses | length) - 1] | add'; }
agrees_with_ec2() { [ "$(total)" -eq "$(in_ec2)" ]; }

grow() {
  local i
  for i in $(seq 1 "$1"); do pod_add a "p${i}" || return 1; done
}

@test "throttling: slower, but it gets there" {
  control POST /fault '{"kind":"throttle","times":4}'
  grow 4
  until_ok 60 agrees_with_ec2
}

@test "lost answers: nothing is assigned twice unnoticed" {
  control POST /fault '{"kind":"lose_answer","action":"AssignPrivateIpAddresses","times":1}'
  control POST /fault '{"kind":"lose_answer","action":"CreateNetworkInterface","times":1}'
  control POST /fault '{"kind":"lose_answer","action":"AttachNetworkInterface","times":1}'
  grow 5
  until_ok 60 agrees_with_ec2
  # No ENI of ours is left unattached.
  until_ok 60 no_orphans
}

no_orphans() { [ "$(control GET /state | jq '[.enis[] | select(.attachment == null)] | length')" -eq 0 ]; }

# Pods until one is refused for this reason.
add_until_refused() {
  local i out
  for i in $(seq 1 60); do
    if ! out=$(lab pod add a "q${i}" 2>&1) && [[ "${out}" == *"$1"* ]]; then
      echo "${out}"
      return 0
    fi
    sleep 0.3
  done
  echo "never refused for $1: ${out}"
  return 1
}

@test "a denied action is named, in the pod's event too, with what to do" {
  control POST /fault '{"kind":"deny","action":"CreateNetworkInterface"}'
  control POST /fault '{"kind":"deny","action":"AssignPrivateIpAddresses"}'
  run add_until_refused EC2_DENIED
  [ "${status}" -eq 0 ]
  [[ "${output}" == *"UnauthorizedOperation"*'(allow ec2:'*' to the role of the node'* ]]
  agent_says a UnauthorizedOperation
  control DELETE /fault
  pod_add a again
}

@test "garbage, errors inside a 200, cut connections, 5xx from EC2" {
  local fault
  for fault in '{"kind":"garbage"}' '{"kind":"error_in_200","code":"InternalError"}' '{"kind":"cut"}' \
    '{"kind":"http_status","status":500}' '{"kind":"http_status","status":404}'; do
    control POST /fault "$(jq -c '. + {times: 3}' <<<"${fault}")"
  done
  grow 5
  until_ok 90 agrees_with_ec2
  pings a one 198.51.100.9
}

@test "a black hole and a slow drip end at their deadlines; ADD and DEL go on" {
  control POST /fault '{"kind":"black_hole","times":1}'
  control POST /fault '{"kind":"slow_drip","delay_ms":3000,"times":1}'
  grow 2
  lab pod del a p1
  control DELETE /fault
  pod_add a again
}

@test "IMDS away and back while running" {
  control POST /imds-fault "{\"instance\":\"$(instance)\",\"down\":true}"
  pod_add a p1
  sleep 2
  control POST /imds-fault "{\"instance\":\"$(instance)\"}"
  lab pod del a p1
  pings a one 198.51.100.9
}

@test "a start without IMDS says which step failed; with it, it works" {
  control POST /imds-fault "{\"instance\":\"$(instance)\",\"down\":true}"
  lab agent stop a
  run lab exec a env ENABLE_IPv4=true AWS_VPC_K8S_CNI_LOG_FILE=stderr timeout 60 "${VPCCNI_BUILD}/vpccni" agent
  [ "${status}" -eq 1 ]
  [[ "${output}" == *IMDS* ]]
  control POST /imds-fault "{\"instance\":\"$(instance)\"}"
  lab agent start a
  pings a one 198.51.100.9
}

@test "a start without EC2 serves with what IMDS and the checkpoint say" {
  control POST /fault '{"kind":"http_status","status":503}'
  lab agent restart a
  [ "$(introspect a /v1/pods | jq 'map(select(.name == "one")) | length')" -eq 1 ]
  pings a one 198.51.100.9
  control DELETE /fault
  pod_add a two
}

@test "an API server that is down, silent, broken or angry does not stop anything" {
  local fault
  for fault in '{"down":true}' '{"garbage":true}' '{"status":503}' '{"status":401}' '{"black_hole":true}'; do
    control POST /kubernetes/fault "${fault}"
    lab agent restart a
    pod_add a p1
    lab pod del a p1
  done
}
