#!/usr/bin/env bats
# The hand-off to the network policy agent: a pod must not run without its policy.

load lab

setup() {
  lab_up vpce-policy --nodes 1 --type t3.small --env a:NETWORK_POLICY_ENFORCING_MODE=strict
  log=${BATS_TEST_TMPDIR}/policy.log
}

teardown() {
  lab_down
}

policy_agent() {
  lab exec a /usr/bin/python3 "${BATS_TEST_DIRNAME}/policy_agent.py" /var/run/aws-node/npa.sock "${log}" "$@" 3>&- &
  until_ok 10 test -S "${VPCLAB_STATE}/node-a/run/npa.sock"
}

@test "without a policy agent ADD fails soon and clearly; the address comes back" {
  local before=${SECONDS}
  run lab pod add a one
  [ "${status}" -ne 0 ]
  [[ "${output}" == *"add cmd: failed to setup network policy"* ]]
  ((SECONDS - before <= 8))
  [ "$(introspect a /v1/pods | jq length)" -eq 0 ]
}

@test "with one, it is told of each pod, and when the pod goes" {
  policy_agent
  pod_add a one
  grep -F EnforceNpToPod "${log}" | grep -F strict
  pings a one 198.51.100.9
  lab pod del a one
  grep -F DeletePodNp "${log}" | grep -F one
}

@test "one that refuses fails the ADD" {
  policy_agent refuse
  run lab pod add a one
  [ "${status}" -ne 0 ]
  [[ "${output}" == *"failed to setup network policy"* ]]
}
