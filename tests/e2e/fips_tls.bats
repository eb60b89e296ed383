#!/usr/bin/env bats
# TLS with a real FIPS provider: what a broken configuration lets through, what servers outside of
# this process can negotiate, and the agent with EC2 behind TLS.
# Release build only: the module and OpenSSL are not instrumented
# shellcheck disable=SC2154  # fips.bash sets home, module and vpccni

load lab
load fips

bats_require_minimum_version 1.5.0

setup_file() {
  fips_setup_file
  cd "${BATS_FILE_TMPDIR}" || exit 1
  OPENSSL_CONF=/dev/null openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -keyout key.pem -out cert.pem -days 2 -subj /CN=front -addext subjectAltName=IP:127.0.0.1 \
    2>/dev/null
  lab_up vpce-fips --nodes 1
}

setup() {
  fips_setup
  server=''
}

teardown() {
  [[ -z ${server} ]] || kill "${server}" 2>/dev/null || true
}

teardown_file() {
  lab_down
}

# serve OPTION...: a TLS server without FIPS on a free port of loopback; sets ${url}.
serve() {
  local log="${BATS_TEST_TMPDIR}/server"
  OPENSSL_CONF=/dev/null OPENSSL_MODULES='' openssl s_server -accept 127.0.0.1:0 -www \
    -cert "${BATS_FILE_TMPDIR}/cert.pem" -key "${BATS_FILE_TMPDIR}/key.pem" "$@" \
    >"${log}" 2>&1 </dev/null 3>&- &
  server=$!
  until_ok 10 accepts "${log}"
  url=https://127.0.0.1:$(sed -n 's/^ACCEPT 127.0.0.1://p' "${log}")/
}

# Its port is there with the end of the line: it is printed in pieces.
accepts() {
  local said
  said=$(cat "$1" && echo end)
  [[ ${said} == *'ACCEPT 127.0.0.1:'+([0-9])$'\n'* ]]
}

ask() { "${vpccni}" fips-check --json --only tls.url --url "${url}" --cacert "${BATS_FILE_TMPDIR}/cert.pem"; }

# without LINE: the configuration lacks it.
without() {
  grep -q "^$1" "${OPENSSL_CONF}"
  sed -i "/^$1/d" "${OPENSSL_CONF}"
}

@test "configuration without MinProtocol, CipherString, Groups, ssl_conf" {
  without MinProtocol
  fails tls.config
  fips_again
  without CipherString
  fails tls.config
  fips_again
  without Groups
  fails tls.groups
  fips_again
  without ssl_conf
  fails tls.config
  [ "$(status_of tls.groups)" = fail ]
}

# A fresh copy of the good configuration.
fips_again() {
  rm -r "${home}"
  fips_setup
}

@test "configuration that admits other suites, or a lower security level" {
  sed -i 's/^CipherString.*/CipherString = DEFAULT:PSK:@SECLEVEL=2/' "${OPENSSL_CONF}"
  fails tls.config
  sed -i 's/^CipherString.*/CipherString = ECDHE+AESGCM:@SECLEVEL=1/' "${OPENSSL_CONF}"
  fails tls.config
}

@test "a good server: what was negotiated is said" {
  serve
  run -0 ask
  [[ $(jq -r '.checks[0].detail' <<<"${output}") == 'negotiated TLSv1.3 TLS_AES_256_GCM_SHA384 secp256r1' ]]
}

@test "servers with only ChaCha20-Poly1305, X25519 or TLS 1.1 are refused, and only with the module" {
  local -a offers=('-ciphersuites TLS_CHACHA20_POLY1305_SHA256 -tls1_3' '-groups X25519' '-tls1_1')
  local offer
  for offer in "${offers[@]}"; do
    # shellcheck disable=SC2086  # words
    serve ${offer}
    run -1 ask
    jq -e '.checks[0].status == "fail" and (.checks[0].detail | contains("OpenSSL"))' <<<"${output}" \
      || {
        echo "${offer}: ${output}"
        return 1
      }
    if [[ ${offer} != -tls1_1 ]]; then
      # The same server is no trouble without it: the refusal is the configuration's.
      OPENSSL_CONF=/dev/null curl -sS --noproxy '*' --cacert "${BATS_FILE_TMPDIR}/cert.pem" \
        --max-time 5 -o /dev/null "${url}"
    fi
    kill "${server}"
  done
}

@test "take the module away, and HTTPS stops" {
  serve
  rm "${module}"
  run -1 ask
}

@test "a certificate of nobody we trust, and plain HTTP" {
  serve
  run -1 "${vpccni}" fips-check --json --only tls.url --url "${url}"
  [[ ${output} == *certificate* ]]
  run -2 "${vpccni}" fips-check --url "http${url#https}"
}

@test "the agent: EC2 over TLS, signatures by the module, pods" {
  lab agent stop a
  VPCLAB_OWNER=${VPCLAB_STATE} lab exec a env -u OPENSSL_CONF python3 "${BATS_TEST_DIRNAME}/tls_front.py" \
    8443 192.0.2.1:80 "${BATS_FILE_TMPDIR}/cert.pem" "${BATS_FILE_TMPDIR}/key.pem" \
    "${VPCLAB_STATE}/front" >/dev/null 2>&1 3>&- 4>&- &
  cat >>"${VPCLAB_STATE}/node-a/agent.env" <<END
VPCCNI_FIPS=require
OPENSSL_CONF=${OPENSSL_CONF}
OPENSSL_MODULES=${OPENSSL_MODULES}
AWS_ENDPOINT_URL_EC2=https://127.0.0.1:8443
AWS_CA_BUNDLE=${BATS_FILE_TMPDIR}/cert.pem
END
  until_ok 10 test -e "${VPCLAB_STATE}/front"
  lab agent start a
  pod_add a one
  pod_ip a one
  grep -q '^TLS_AES_256_GCM_SHA384 TLSv1.3' "${VPCLAB_STATE}/front"
  run ! grep -vq '^TLS_AES_256_GCM_SHA384 TLSv1.3' "${VPCLAB_STATE}/front"
  introspect a /v1/fips | jq -e '.result != "fail" and .provider.kind == "openssl-fips"'
  lab exec a curl -sS --max-time 5 http://127.0.0.1:61678/metrics \
    | grep -q '^vpccni_fips_ok{provider="openssl-fips",version="[0-9.]*"} 1'
  agent_says a "cryptography is the module's"
}

@test "the agent does not start without the module" {
  lab agent stop a
  rm "${module}"
  sed -i "s|^OPENSSL_CONF=.*|OPENSSL_CONF=${OPENSSL_CONF}|; s|^OPENSSL_MODULES=.*|OPENSSL_MODULES=${OPENSSL_MODULES}|" \
    "${VPCLAB_STATE}/node-a/agent.env"
  lab agent start a nowait
  until_ok 10 agent_says a 'VPCCNI_FIPS=require, and the cryptographic module is not in order'
  agent_says a 'provider.active: no FIPS provider is active'
  # It ends with an error, before a call to anything.
  local pid
  pid=$(<"${VPCLAB_STATE}/node-a/agent.pid")
  until_ok 5 not_running "${pid}"
}

not_running() { ! kill -0 "$1" 2>/dev/null; }
