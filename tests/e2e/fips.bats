#!/usr/bin/env bats
# fips-check with a real FIPS provider (scripts/fips-provider), and what it says when anything of it
# is broken. Each test gets a copy of the provider and its configuration, and changes one thing.
# Release build only: the module and OpenSSL are not instrumented; unit_fips runs in every build
# shellcheck disable=SC2154  # fips.bash sets home, module and vpccni

load fips

setup_file() { fips_setup_file; }
setup() { fips_setup; }

@test "a good module passes, and the report says by what" {
  run "${vpccni}" fips-check --json
  [ "${status}" -eq 0 ]
  jq -e '.schema == "vpccni.fips-check/1" and .provider.kind == "openssl-fips" and
    .provider.name == "OpenSSL FIPS Provider" and .provider.status == 1 and
    .defaultPropertiesFips and .selfTest.pass >= 20 and .selfTest.fail == 0 and
    .summary.fail == 0 and (.checks | length) >= 29 and
    ([.checks[] | select(.status == "skip") | .id] ==
      ["selftest.wolf", "tls.url", "aws.endpoints"]) and
    (.checks | map(select(.id == "tls.handshake"))[0].detail | test("TLSv1.3.*TLSv1.2")) and
    (.curl.ssl | startswith("OpenSSL/")) and (.openssl.libcrypto | startswith("/")) and
    (.openssl.libssl | startswith("/")) and has("kernelFips")' <<<"${output}"
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

@test "the manifest ties the certificate to the file" {
  local file="${BATS_TEST_TMPDIR}/manifest.json"
  manifest "${file}"
  passes --manifest "${file}"
  jq -e '.provider.certificate | contains("4985 (140-3, module 3.1.2)")' <<<"${output}"
  [ "$(status_of provider.certificate)" = pass ]
  # Strict wants it.
  fails provider.module --strict
}

@test "files that are not the manifest's" {
  local file="${BATS_TEST_TMPDIR}/manifest.json" other
  other=$(printf '0%.0s' {1..64})
  manifest "${file}" ".moduleSha256 = \"${other}\""
  fails provider.module --manifest "${file}"
  [ "$(status_of provider.certificate)" = warn ]
  manifest "${file}" ".configSha256 = \"${other}\""
  fails env.config --manifest "${file}"
  manifest "${file}" ".libcurlSha256 = \"${other}\""
  fails lib.curl --manifest "${file}"
}

@test "a manifest that is none is a usage error" {
  local file="${BATS_TEST_TMPDIR}/manifest.json" filter
  for filter in '[]' 'del(.provider)' '.moduleSha256 = "x"' '.certificates = 1' \
    '.certificates = [{}]'; do
    manifest "${file}" "${filter}"
    run "${vpccni}" fips-check --manifest "${file}"
    [ "${status}" -eq 2 ]
    [[ ${output} == *"${file}"* ]]
  done
  run "${vpccni}" fips-check --manifest /nowhere
  [ "${status}" -eq 2 ]
}

@test "self-test events, when only they are asked for" {
  run "${vpccni}" fips-check --json --only selftest.run
  [ "${status}" -eq 0 ]
  jq -e '[.selfTest.events[] | select(.phase == "Pass" and .type == "Module_Integrity")] | length == 1' \
    <<<"${output}"
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
