#!/usr/bin/env bats
# The newcomer's main job, and that nothing is left when it is killed in the middle.
# Release build only: its steps are in other tests

load lab

setup() {
  export VPCLAB_NAME=vpce-demo-${BATS_ROOT_PID:-$$}
  export VPCLAB_STATE=/run/${VPCLAB_NAME}
}

teardown() {
  lab down
}

nothing_left() {
  [ ! -e "${VPCLAB_STATE}" ] && ! ip netns list | grep -q "^${VPCLAB_NAME}-"
}

@test "scripts/lab demo: every check holds" {
  run lab demo --json "${BATS_TEST_TMPDIR}/demo.json"
  echo "${output}" | grep FAILED || true
  [ "${status}" -eq 0 ]
  [ "$(jq .failed "${BATS_TEST_TMPDIR}/demo.json")" -eq 0 ]
  [ "$(jq '.checks | length' "${BATS_TEST_TMPDIR}/demo.json")" -ge 35 ]
  nothing_left
}

@test "scripts/lab demo --mode prefix: every check holds" {
  run lab demo --mode prefix --json "${BATS_TEST_TMPDIR}/demo.json"
  echo "${output}" | grep FAILED || true
  [ "${status}" -eq 0 ]
  [ "$(jq .failed "${BATS_TEST_TMPDIR}/demo.json")" -eq 0 ]
  [ "$(jq '.checks | length' "${BATS_TEST_TMPDIR}/demo.json")" -ge 50 ]
  nothing_left
}

@test "scripts/lab demo with IPv6: pods, IPv4 egress, IPv6 egress" {
  local mode
  for mode in ipv6 egress-v4 egress-v6; do
    run lab demo --mode "${mode}" --json "${BATS_TEST_TMPDIR}/demo.json"
    echo "${output}" | grep FAILED || true
    [ "${status}" -eq 0 ]
    [ "$(jq .failed "${BATS_TEST_TMPDIR}/demo.json")" -eq 0 ]
    [ "$(jq '.checks | length' "${BATS_TEST_TMPDIR}/demo.json")" -ge 18 ]
    nothing_left
  done
}

@test "scripts/lab demo --mode custom: every check holds" {
  run lab demo --mode custom --json "${BATS_TEST_TMPDIR}/demo.json"
  echo "${output}" | grep FAILED || true
  [ "${status}" -eq 0 ]
  [ "$(jq .failed "${BATS_TEST_TMPDIR}/demo.json")" -eq 0 ]
  [ "$(jq '.checks | length' "${BATS_TEST_TMPDIR}/demo.json")" -ge 40 ]
  nothing_left
}

@test "scripts/lab demo --mode multi-nic: every check holds" {
  run lab demo --mode multi-nic --json "${BATS_TEST_TMPDIR}/demo.json"
  echo "${output}" | grep FAILED || true
  [ "${status}" -eq 0 ]
  [ "$(jq .failed "${BATS_TEST_TMPDIR}/demo.json")" -eq 0 ]
  [ "$(jq '.checks | length' "${BATS_TEST_TMPDIR}/demo.json")" -ge 40 ]
  nothing_left
}

@test "killed in the middle it leaves nothing behind, and runs again" {
  "${BATS_TEST_DIRNAME}/../../scripts/lab" demo >/dev/null 2>&1 3>&- & # not a function: its own pid
  local pid=$!
  until_ok 30 test -e "${VPCLAB_STATE}/node-b/agent.pid"
  kill -KILL "${pid}"
  until_ok 30 nothing_left
  lab up --nodes 1 3>&-
  pod_add a one
  lab down
  nothing_left
}
