#!/usr/bin/env bats
# The agent through thousands of ADD and DEL calls: no descriptor and no memory is left behind.
# scripts/bench agent --soak 100000 is the long run.
# Release build only: it measures memory

@test "descriptors and memory after 5,000 pods are those from before" {
  export VPCLAB_NAME=vpce-soak-${BATS_ROOT_PID:-$$}
  run "${BATS_TEST_DIRNAME}/../../scripts/bench" agent --json --calls 500 --idle 0 --soak 5000
  echo "${output}"
  [ "${status}" -eq 0 ]
  local result=${lines[-1]}
  echo "# ${result}" >&3
  jq -e '.failed == 0 and .soak.failed == 0 and .soak.pairs == 5000' <<<"${result}"
  # Those of a connection may be open at either moment of looking.
  jq -e '.soak.fds_after - .soak.fds_before <= 2' <<<"${result}"
  jq -e '.soak.anonymous_kib_after - .soak.anonymous_kib_before < 1024' <<<"${result}"
}
