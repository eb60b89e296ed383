#!/usr/bin/env bats
# fips-check with a real FIPS provider (scripts/fips-provider), and what it says when anything of it
# is broken. Each test gets a copy of the provider and its configuration, and changes one thing.
# Release build only: the module and OpenSSL are not instrumented; unit_fips runs in every build

setup_file() {
  local exports
  exports=$("${BATS_TEST_DIRNAME}/../../scripts/fips-provider")
  eval "${exports}"
  export FIPS_HOME=${OPENSSL_CONF%/*}
  unset OPENSSL_CONF OPENSSL_MODULES
}

setup() {
  vpccni="${VPCCNI_BUILD:?}/vpccni"
  home="${BATS_TEST_TMPDIR}/fips"
  cp -r "${FIPS_HOME}" "${home}"
  sed -i "s|${FIPS_HOME}|${home}|g" "${home}/openssl.cnf"
  module="${home}/modules/fips.so"
  export OPENSSL_CONF="${home}/openssl.cnf" OPENSSL_MODULES="${home}/modules"
}

# fails ID [OPTION...]: the run fails, and the check of that id with it.
fails() {
  local id=$1 status
  shift
  run "${vpccni}" fips-check --json "$@"
  [ "${status}" -eq 1 ]
  jq -e --arg id "${id}" '.result == "fail" and
    ([.checks[] | select(.id == $id)] | length == 1 and .[0].status == "fail")' <<<"${output}"
}

@test "a good module passes, and the report says by what" {
  run "${vpccni}" fips-check --json
  [ "${status}" -eq 0 ]
  jq -e '.schema == "vpccni.fips-check/1" and .provider.kind == "openssl-fips" and
    .provider.name == "OpenSSL FIPS Provider" and .provider.status == 1 and
    .defaultPropertiesFips and .selfTest.pass >= 20 and .selfTest.fail == 0 and
    .summary.fail == 0 and .summary.skip == 0 and (.checks | length) >= 18' <<<"${output}"
  [ "$(jq -r .provider.moduleSha256 <<<"${output}")" = "$(sha256sum <"${module}" | cut -d' ' -f1)" ]
}

@test "the quick profile leaves out what takes time, the alias is the same command" {
  run "${vpccni}" fips-check --profile quick
  [ "${status}" -eq 0 ]
  [[ ${output} != *selftest.run* && ${output} == *rand.provider* ]]
  ln -s "${vpccni}" "${BATS_TEST_TMPDIR}/fips-startup-check"
  run "${BATS_TEST_TMPDIR}/fips-startup-check" --quiet
  [ "${status}" -eq 0 ]
}

@test "OPENSSL_CONF not set" {
  unset OPENSSL_CONF
  fails env.config
  fails provider.active
  fails fetch.rejected
}

@test "OPENSSL_CONF names no file" {
  export OPENSSL_CONF="${home}/elsewhere.cnf"
  fails env.config
  fails op.md5-legacy
}

@test "no module in its directory" {
  rm "${module}"
  fails provider.active
  fails rand.provider
}

@test "one byte of the module changed" {
  # Past the headers, in the code: the byte's complement.
  local at=600000 byte
  byte=$(od -An -tu1 -j "${at}" -N1 "${module}")
  printf '%b' "\\x$(printf %02x $((255 - byte)))" \
    | dd of="${module}" bs=1 seek="${at}" conv=notrunc status=none
  fails provider.active
  fails kat.sha256
}

@test "integrity value of another module" {
  sed -i 's/^module-mac = ../module-mac = 00/' "${home}/fipsmodule.cnf"
  sed -i "s|^.include .*|.include ${home}/fipsmodule.cnf|" "${home}/openssl.cnf"
  fails provider.active
  fails selftest.run
}

@test "OpenSSL's default provider beside the module" {
  sed -i 's/^base = base_sect/&\ndefault = default_sect/; s/^\[base_sect\]/[default_sect]\nactivate = 1\n\n&/' \
    "${home}/openssl.cnf"
  fails provider.exclusive
  fails fetch.rejected
}

@test "no base provider" {
  sed -i '/^base = base_sect/d' "${home}/openssl.cnf"
  fails provider.base
}

@test "no default properties" {
  sed -i '/^default_properties/d' "${home}/openssl.cnf"
  fails props.default
}

@test "a module that others may write" {
  chmod 0666 "${module}"
  fails provider.module
}

@test "a configuration that others may write is a warning, and a failure when strict" {
  chmod 0666 "${home}/openssl.cnf"
  run "${vpccni}" fips-check --json
  [ "${status}" -eq 0 ]
  jq -e '.checks[] | select(.id == "env.config") | .status == "warn"' <<<"${output}"
  fails env.config --strict
}

@test "a second libcrypto in the process" {
  local first copy="${BATS_TEST_TMPDIR}/libcrypto.so.9"
  first=$(ldd "${vpccni}" | awk '$1 == "libcrypto.so.3" { print $3 }')
  sed 's/libcrypto\.so\.3/libcrypto.so.9/g' "${first}" >"${copy}"
  LD_PRELOAD="${copy}" fails lib.single
}

@test "the other provider was asked for" {
  fails provider.active --provider wolfssl
}

@test "wrong arguments are usage errors" {
  local arguments
  for arguments in "--no-such" "--profile slow" "--config relative" "--only no.check" "--json --only"; do
    # shellcheck disable=SC2086  # words
    run "${vpccni}" fips-check ${arguments}
    [ "${status}" -eq 2 ]
    [[ ${output} == *"fips-check: "* ]]
  done
}

@test "each check says what an auditor reads from it" {
  run "${vpccni}" fips-check --explain
  [ "${status}" -eq 0 ]
  [ "${#lines[@]}" -eq "$("${vpccni}" fips-check --list | wc -l)" ]
}
