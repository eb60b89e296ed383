# shellcheck shell=bash disable=SC2154
# What the FIPS tests share: each test has its own copy of the test module and its configuration.

fips_setup_file() {
  local exports
  exports=$("${BATS_TEST_DIRNAME}/../../scripts/fips-provider")
  eval "${exports}"
  export FIPS_HOME=${OPENSSL_CONF%/*}
  unset OPENSSL_CONF OPENSSL_MODULES
}

fips_setup() {
  vpccni="${VPCCNI_BUILD:?}/vpccni"
  home="${BATS_TEST_TMPDIR}/fips"
  cp -r "${FIPS_HOME}" "${home}"
  sed -i "s|${FIPS_HOME}|${home}|g" "${home}/openssl.cnf"
  module="${home}/modules/fips.so"
  export OPENSSL_CONF="${home}/openssl.cnf" OPENSSL_MODULES="${home}/modules"
}

# status_of ID: of that check in ${output}, which is fips-check's JSON.
status_of() { jq -er --arg id "$1" '.checks[] | select(.id == $id) | .status' <<<"${output}"; }

# fails ID [OPTION...]: the run fails, and the check of that id with it.
fails() {
  local id=$1 status
  shift
  run "${vpccni}" fips-check --json "$@"
  [ "${status}" -eq 1 ]
  jq -e '.result == "fail"' <<<"${output}" >/dev/null
  [ "$(status_of "${id}")" = fail ] || {
    jq -c --arg id "${id}" '.checks[] | select(.id == $id)' <<<"${output}"
    return 1
  }
}

# passes: the run has no failure.
passes() {
  run "${vpccni}" fips-check --json "$@"
  [ "${status}" -eq 0 ] || {
    echo "${output}"
    return 1
  }
}

# manifest FILE [FILTER]: the image's manifest for this configuration, changed by a jq filter.
manifest() {
  local curl
  curl=$(ldd "${vpccni}" | awk '$1 ~ /^libcurl/ { print $3 }')
  jq -n --arg file "$(sha256sum <"${module}" | cut -c1-64)" \
    --arg config "$(sha256sum <"${OPENSSL_CONF}" | cut -c1-64)" \
    --arg curl "$(sha256sum <"${curl}" | cut -c1-64)" \
    '{provider: "openssl", moduleSha256: $file, moduleVersion: "3.1.2", configSha256: $config,
      libcurlSha256: $curl, certificates: [{number: "4985", level: "140-3"}]}' \
    | jq "${2:-.}" >"$1"
}
