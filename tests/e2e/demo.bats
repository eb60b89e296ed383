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

# holds LEAST [--mode MODE]: every check of the demo holds, and there are at least so many.
holds() {
  local least=$1
  shift
  run lab demo "$@" --json "${BATS_TEST_TMPDIR}/demo.json"
  echo "${output}" | grep FAILED || true
  [ "${status}" -eq 0 ]
  [ "$(jq .failed "${BATS_TEST_TMPDIR}/demo.json")" -eq 0 ]
  [ "$(jq '.checks | length' "${BATS_TEST_TMPDIR}/demo.json")" -ge "${least}" ]
  nothing_left
}

@test "scripts/lab demo: every check holds" {
  holds 35
}

@test "scripts/lab demo --mode prefix: every check holds" {
  holds 50 --mode prefix
}

@test "scripts/lab demo with IPv6: pods, IPv4 egress, IPv6 egress" {
  local mode
  for mode in ipv6 egress-v4 egress-v6; do
    holds 18 --mode "${mode}"
  done
}

@test "scripts/lab demo --mode custom: every check holds" {
  holds 40 --mode custom
}

@test "scripts/lab demo --mode multi-nic: every check holds" {
  holds 40 --mode multi-nic
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
