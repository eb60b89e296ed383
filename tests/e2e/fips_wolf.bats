#!/usr/bin/env bats
# fips-check's other path: a provider that claims wolfProvider's name (tests/fips/claims.cc) and
# fails in different ways. That one passes when it fails in none is why strict asks for a manifest.
# Release build only: the provider is not instrumented
# shellcheck disable=SC2154  # fips.bash sets home, module and vpccni

load fips

bats_require_minimum_version 1.5.0

setup_file() { fips_setup_file; }

setup() {
  fips_setup
  module="${BATS_TEST_TMPDIR}/claims.so"
  cp "${VPCCNI_BUILD}/tests/fips/claims.so" "${module}"
  {
    printf '[wolfprov_sect]\nmodule = %s\nactivate = 1\n' "${module}"
    sed 's/^fips = fips_sect/wolfprov = wolfprov_sect/; /^base = base_sect/d' "${OPENSSL_CONF}" \
      | sed '/^.include/d'
  } >"${home}/wolf.cnf"
  # The section must come after the global part.
  sed -n '4,$p' "${home}/wolf.cnf" >"${home}/ordered.cnf"
  sed -n '1,3p' "${home}/wolf.cnf" >>"${home}/ordered.cnf"
  export OPENSSL_CONF="${home}/ordered.cnf"
}

@test "the claimed names and facts pass, and RSA-1024 is a warning" {
  passes --provider wolfssl
  jq -e '.provider.kind == "wolfprovider" and .provider.configName == "wolfprov" and
    .provider.buildInfo == "wolfSSL 5.8.2"' <<<"${output}"
  [ "$(status_of selftest.wolf)" = pass ]
  [ "$(status_of op.rsa-small)" = warn ]
  [ "$(status_of provider.base)" = skip ]
  fails op.rsa-small --strict
}

@test "the other provider was asked for" {
  fails provider.active --provider openssl
}

@test "the name of a build without FIPS" {
  CLAIMS_NAME='wolfSSL Provider' fails provider.active
}

@test "a status of zero" {
  CLAIMS_STATUS=0 fails provider.active
}

@test "algorithms without the fips property" {
  CLAIMS_PROPERTIES=provider=wolfprov fails fetch.approved
  [ "$(status_of kat.sha256)" = fail ]
}

@test "an approved algorithm is missing" {
  CLAIMS_WITHOUT=HKDF fails fetch.approved
}

@test "MD5 is a warning and a failure when strict, ChaCha20 is a failure" {
  CLAIMS_ALSO=MD5 passes
  [ "$(status_of fetch.rejected)" = warn ]
  [ "$(status_of op.md5-legacy)" = warn ]
  CLAIMS_ALSO=MD5 fails fetch.rejected --strict
  CLAIMS_ALSO=ChaCha20-Poly1305 fails fetch.rejected
}

@test "the library's state and its self tests" {
  CLAIMS_FIPS_STATUS=-203 fails selftest.wolf
  CLAIMS_CAST=3 fails selftest.wolf
}

@test "a library that is no FIPS build" {
  g++ -shared -DCLAIMS_NOT_FIPS -o "${BATS_TEST_TMPDIR}/libwolfssl.so.42" \
    "${BATS_TEST_DIRNAME}/../fips/wolfssl.cc" -fPIC -Wl,-soname,libwolfssl.so.42
  LD_LIBRARY_PATH="${BATS_TEST_TMPDIR}" fails selftest.wolf
  [[ ${output} == *'lacks wolfCrypt_GetStatus_fips'* ]]
}

@test "the manifest names the library's file too" {
  local file="${BATS_TEST_TMPDIR}/manifest.json" library
  library=$(sha256sum <"${VPCCNI_BUILD}/tests/fips/libwolfssl.so.42" | cut -c1-64)
  manifest "${file}" ".provider = \"wolfssl\" | .wolfsslSha256 = \"${library}\" |
    .certificates[0].number = \"4718\""
  passes --manifest "${file}"
  jq -e '.provider.certificate | contains("4718")' <<<"${output}"
  manifest "${file}" ".provider = \"wolfssl\" | .wolfsslSha256 = .moduleSha256"
  passes --manifest "${file}"
  [[ ${output} == *"not the manifest's"* ]]
  manifest "${file}" ".provider = \"wolfssl\""
  run -2 "${vpccni}" fips-check --manifest "${file}"
}
