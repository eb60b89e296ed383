#!/usr/bin/env bats
# Verifies a finished image, from outside: quick, cryptographic path, what is not approved, function.
# usage: IMAGE=TAG [ENGINE=docker|podman] bats docker/verify.bats   (bats 1.5, jq; root)
# A module of no certificate (build.sh --unvalidated) passes, with that one warning.
# shellcheck disable=SC2154  # stderr is of run --separate-stderr

bats_require_minimum_version 1.5.0

setup_file() {
  export ENGINE=${ENGINE:-docker}
  export ROOT=${BATS_FILE_TMPDIR}/root
  local container
  container=$("${ENGINE}" create "${IMAGE:?IMAGE=TAG is missing}")
  mkdir "${ROOT}"
  "${ENGINE}" export "${container}" | tar -x --same-owner -C "${ROOT}"
  "${ENGINE}" rm "${container}" >/dev/null
}

# inside OPTION... -- COMMAND...: without network, and without more than a container needs.
inside() {
  local -a options=()
  while [[ $1 != -- ]]; do
    options+=("$1")
    shift
  done
  shift
  "${ENGINE}" run --rm --network none --read-only --cap-drop ALL "${options[@]}" \
    --entrypoint "$1" "${IMAGE}" "${@:2}"
}
report() { run --separate-stderr -0 inside -- vpccni fips-check --json; }
is_elf() { [[ $(head -c 4 "$1" | tail -c 3) == ELF ]]; }
in_group() { [[ -z $(comm -23 <(sort "$1") <(sort "$2")) ]]; }

# --- quick ---

@test "fips-check passes, here as at the build" {
  report
  jq -e '.summary.fail == 0 and
    ([.checks[] | select(.status == "warn") | .id]
      - ["provider.certificate", "op.rsa-small", "fetch.rejected", "op.md5-legacy"] == [])' <<<"${output}"
  jq -e '.summary.fail == 0' "${ROOT}/usr/share/vpccni/fips-report.json"
  inside -- /app/fips-startup-check --quiet
}

@test "without arguments fips-check says by what module, version and certificate" {
  run -0 inside -- vpccni fips-check
  [[ ${lines[-1]} =~ ^(pass|warn):\ (OpenSSL\ FIPS\ Provider|wolfSSL\ Provider\ FIPS)\ [0-9] ]]
  [[ ${output} == *'sha256 '*", the manifest's"* ]]
}

# --- cryptographic path ---

@test "nothing but OpenSSL and the module is in the process" {
  report
  jq -e '[.loadedCrypto[] | sub(".*/"; "")] |
    all(test("^(libcrypto\\.so\\.3|libssl\\.so\\.3|fips\\.so|libwolfprov\\.so|libwolfssl\\.so.*)$"))' <<<"${output}"
  jq -e '[.checks[] | select(.id == "lib.foreign" or .id == "lib.curl" or .id == "tls.handshake") | .status]
    == ["pass", "pass", "pass"]' <<<"${output}"
}

@test "no second crypto library is in the image, and nothing lacks a library" {
  [ -z "$(find "${ROOT}" -regextype egrep -path "${ROOT}/usr/share" -prune -o \
    -regex '.*/[^/]*(gnutls|nettle|hogweed|gcrypt|k5crypto|mbedtls|libssh2|sodium|libnss3)[^/]*' -print)" ]
  local file
  while read -r file; do
    is_elf "${file}" || continue
    run chroot "${ROOT}" /lib64/ld-linux-x86-64.so.2 --list "${file#"${ROOT}"}" # fails if static
    [[ ${output} != *'not found'* && ${output} != *'cannot open'* ]] || {
      echo "${file}: ${output}"
      return 1
    }
  done < <(find "${ROOT}/app" "${ROOT}/usr/bin" "${ROOT}/usr/sbin" "${ROOT}/opt" -type f -perm /111)
}

# --- what is not approved ---

@test "algorithms, keys, groups and protocols that are not approved are refused" {
  report
  jq -e '[.checks[] | select(.id == "fetch.rejected" or .id == "op.rsa-small" or .id == "op.md5-legacy"
    or .id == "tls.config" or .id == "tls.groups" or .id == "tls.reject") | .status] |
    length == 6 and all(. != "fail")' <<<"${output}"
}

@test "without its configuration or its module nothing starts" {
  run -1 "${ENGINE}" run --rm --network none -e OPENSSL_CONF= "${IMAGE}"
  [[ ${output} == *'FAIL  env.config'* && ${output} != *Installed* ]]
  local module
  module=$(jq -r .moduleFile "${ROOT}/etc/vpccni/fips-manifest.json")
  run -1 "${ENGINE}" run --rm --network none -v "/dev/null:${module}" "${IMAGE}"
  [[ ${output} == *'FAIL  provider.active'* && ${output} != *Installed* ]]
  # Neither does the agent by itself.
  run -1 "${ENGINE}" run --rm --network none -v "/dev/null:${module}" --entrypoint /app/vpccni "${IMAGE}" agent
  [[ ${output} == *'VPCCNI_FIPS=require, and the cryptographic module is not in order'* ]]
}

# --- function ---

@test "tools, names and files are where upstream has them" {
  inside -- iptables --version
  inside -- iptables-legacy --version
  inside --cap-add=NET_ADMIN -- ipset --version
  inside -- conntrack --version
  local file
  for file in aws-k8s-agent aws-vpc-cni aws-cni egress-cni grpc-health-probe entrypoint.sh 10-aws.conflist; do
    [ -e "${ROOT}/app/${file}" ]
  done
  for file in aws-vpc-cni-init loopback portmap bandwidth tuning host-local; do
    [ -L "${ROOT}/init/${file}" ] || [ -x "${ROOT}/init/${file}" ]
  done
  inside -- /app/vpccni conflist --print | jq -e '.plugins[0].type == "aws-cni"'
  run -2 inside -- /app/grpc-health-probe -addr=127.0.0.1:1
}

@test "the host's programs need nothing of the image" {
  [ "$(head -c 4 "${ROOT}/app/vpccni-host" | tail -c 3)" = ELF ]
  run chroot "${ROOT}" /lib64/ld-linux-x86-64.so.2 --list /app/vpccni-host
  [ "${status}" -ne 0 ]
}

@test "ownership and modes: root's alone, no set-user-ID, nothing writable by all" {
  [ -z "$(find "${ROOT}" -xdev -perm /6000)" ]
  [ -z "$(find "${ROOT}" -xdev ! -type l -perm -0002 ! -path "${ROOT}/tmp" ! -path "${ROOT}/dev*")" ]
  [ -z "$(find "${ROOT}" -xdev \( ! -user root -o ! -group root \))" ]
  [ -z "$(find "${ROOT}" -path '*bin/*' \( -name 'apt*' -o -name 'dpkg*' \))" ]
}

@test "SBOM and licences name what is in it" {
  local share=${ROOT}/usr/share/vpccni
  jq -e '.spdxVersion == "SPDX-2.3" and ([.packages[].SPDXID] | length == (unique | length))' \
    "${share}/sbom.spdx.json"
  jq -r '.packages[].name' "${share}/sbom.spdx.json" >"${BATS_TEST_TMPDIR}/named"
  printf '%s\n' vpccni curl libssl3 iptables conntrack ipset libc6 containernetworking-plugins \
    >"${BATS_TEST_TMPDIR}/wanted"
  in_group "${BATS_TEST_TMPDIR}/wanted" "${BATS_TEST_TMPDIR}/named"
  local package
  for package in curl libssl3 iptables conntrack; do
    [ -n "$(ls "${share}/licenses/${package}")" ]
  done
}
