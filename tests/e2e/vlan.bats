#!/usr/bin/env bats
# Security groups for pods need 802.1Q: in a virtual machine with Debian's kernel, whatever this
# machine's kernel has.
# Release build only: emulated, and what it runs is tested in the other builds as far as this kernel can

# vm COMMAND...: skips where no VM can be had, which CI does not let pass.
vm() {
  run "${BATS_TEST_DIRNAME}/../vm/run" --memory 2048 "$@"
  echo "${output}"
  if [ "${status}" -eq 77 ]; then
    skip "${output##*: }"
  fi
}

@test "what the plugin makes and takes away of a branch-ENI pod, on a kernel with VLANs" {
  vm "${VPCCNI_BUILD}/unit_podnet" '[.802.1q]'
  [ "${status}" -eq 0 ]
  [[ ${output} == *"All tests passed"*"in 6 test cases"* ]]
}

@test "scripts/lab demo --mode sgp: every check holds" {
  vm env VPCLAB_IN_VM=1 "${BATS_TEST_DIRNAME}/../../scripts/lab" demo --mode sgp
  [ "${status}" -eq 0 ]
  [[ ${output} == *" checks, 0 failed, "* ]]
  [ "$(grep -cE '^ok ' <<<"${output}")" -ge 45 ]
}
