#!/usr/bin/env bats
# The images, as docker/build.sh makes them on a Debian base: what is in them, what they prove, and
# how they run on a node of the lab. The module is a real one of no certificate, so --unvalidated.
# Release build only: the image takes the release programs
# shellcheck disable=SC2154  # stderr is of run --separate-stderr

load lab
load image

bats_require_minimum_version 1.5.0

image=localhost/vpccni:test
password=correct-horse-7291

setup_file() {
  image_setup >&2
  image_build build.sh "${image}" --unvalidated >"${IMAGE_DIR}/build.log" 2>&1 || {
    tail -n 30 "${IMAGE_DIR}/build.log" >&3
    return 1
  }
  lab_up vpce-image --nodes 1
  lab agent stop a
}

teardown_file() {
  image_teardown
  lab_down
}

root_of() { podman image mount "$1"; }

@test "the last line tells the compressed size" {
  local line
  line=$(tail -n 1 "${IMAGE_DIR}/build.log")
  [[ ${line} =~ ^image\ ${image}\ [0-9]+$ ]]
  echo "# compressed: ${line##* } bytes" >&3
  ((${line##* } < 60000000))
}

# verify TAG: what an operator runs on an image.
verify() {
  env IMAGE="$1" ENGINE=podman bats "${BATS_TEST_DIRNAME}/../../docker/verify.bats"
}

@test "the image passes docker/verify.bats" {
  run -0 verify "${image}"
  [[ ${output} != *'# skip'* ]]
}

@test "a module without a certificate does not pass the build's own check" {
  run ! image_build build.sh localhost/vpccni:strict
  [[ ${output} == *'FAIL  provider.certificate'* ]]
}

@test "the hardened image: no shell but sh, no tools, the same proof" {
  image_build build-hardened.sh localhost/vpccni:hard --unvalidated --image "${image}" >"${IMAGE_DIR}/hard.log" 2>&1 \
    || { tail -n 20 "${IMAGE_DIR}/hard.log" && return 1; }
  echo "# hardened, compressed: $(tail -n 1 "${IMAGE_DIR}/hard.log" | sed 's/.* //') bytes" >&3
  run -0 verify localhost/vpccni:hard
  local root
  root=$(root_of localhost/vpccni:hard)
  [ -z "$(find "${root}/usr/bin" "${root}/usr/sbin" -name bash -o -name openssl -o -name jq -o -name ip -o -name find)" ]
  [ ! -e "${root}/usr/share/vpccni/debug-files" ]
}

# A bundle that claims to be wolfProvider's; see tests/fips.
make_bundle() {
  local dir=$1
  mkdir -p "${dir}/licenses"
  cp "${VPCCNI_BUILD}/tests/fips/claims.so" "${dir}/libwolfprov.so"
  cp -L "${VPCCNI_BUILD}/tests/fips/libwolfssl.so.42" "${dir}/"
  echo 'a licence' >"${dir}/licenses/LICENSE"
  jq -n --arg provider "$(sha256 "${dir}/libwolfprov.so")" --arg library "$(sha256 "${dir}/libwolfssl.so.42")" \
    '{version: "1.1.0", moduleVersion: "5.2.3", certificate: {number: "4718", level: "140-3"},
      files: {"libwolfprov.so": $provider, "libwolfssl.so.42": $library}}' >"${dir}/bundle.json"
}

@test "a provider bundle under a password: installed, judged, and the password in no layer" {
  local dir="${BATS_TEST_TMPDIR}/bundle"
  make_bundle "${dir}"
  (cd "${dir}" && 7z a -p"${password}" "${BATS_TEST_TMPDIR}/bundle.7z" . >/dev/null)
  printf '%s\r\n' "${password}" >"${BATS_TEST_TMPDIR}/password"
  image_build build.sh localhost/vpccni:wolf --unvalidated --provider wolfssl \
    --bundle "${BATS_TEST_TMPDIR}/bundle.7z" --password-file "${BATS_TEST_TMPDIR}/password" \
    >"${BATS_TEST_TMPDIR}/log" 2>&1 || { tail -n 20 "${BATS_TEST_TMPDIR}/log" && return 1; }
  run --separate-stderr -0 in_image localhost/vpccni:wolf vpccni fips-check --json --provider wolfssl
  jq -e '.provider.kind == "wolfprovider" and (.provider.certificate | contains("4718"))' <<<"${output}"
  run -0 verify localhost/vpccni:wolf
  # Every layer of every stage that is kept, and what describes the image.
  run ! grep -q -F "${password}" "${BATS_TEST_TMPDIR}/log"
  local image_id layers=0 layer
  for image_id in $(podman images -a -q); do
    run ! grep -q -F "${password}" <(podman inspect "${image_id}")
  done
  for layer in "${IMAGE_DIR}"/storage/overlay/*/diff; do
    run ! grep -r -l -a -F "${password}" "${layer}"
    layers=$((layers + 1))
  done
  ((layers > 5))
}

@test "bundles that are not whole are refused" {
  local dir="${BATS_TEST_TMPDIR}/bundle"
  make_bundle "${dir}"
  echo more >>"${dir}/libwolfprov.so"
  run ! image_build build.sh localhost/vpccni:bad --unvalidated --provider wolfssl --bundle "${dir}"
  [[ ${output} == *'a file is not what bundle.json says'* ]]
  run -2 image_build build.sh localhost/vpccni:bad --provider wolfssl
  [[ ${output} == *'needs --bundle'* ]]
  run -2 image_build build.sh localhost/vpccni:bad --push
}

# On the node: its network, its directories, and no more rights than the manifest gives.
on_node() { # NAME OPTION...
  podman run --network "ns:/run/netns/${VPCLAB_NAME}-a" --env-file "${BATS_FILE_TMPDIR}/env" \
    -v "${BATS_FILE_TMPDIR}/bin:/host/opt/cni/bin" "$@"
}
logged() { podman logs agent 2>&1 | grep -qF -- "$1"; }

@test "on a node: init, entrypoint to ready, pods, a clean end" {
  mkdir -p "${BATS_FILE_TMPDIR}"/{bin,net.d,log}
  lab env a | sed -n 's/^\(export \)\?\([A-Z].*\)$/\2/p' | tr -d "'\"" | grep -v '^PATH=\|^HOME=\|^TERM=' \
    >"${BATS_FILE_TMPDIR}/env"
  echo ENABLE_IPv4=true >>"${BATS_FILE_TMPDIR}/env"
  on_node --rm --privileged --entrypoint /init/aws-vpc-cni-init "${image}"
  [ -x "${BATS_FILE_TMPDIR}/bin/loopback" ]
  on_node -d --name agent --read-only --tmpfs /tmp --cap-drop ALL --cap-add NET_ADMIN --cap-add NET_RAW \
    --security-opt no-new-privileges -v "${BATS_FILE_TMPDIR}/net.d:/host/etc/cni/net.d" \
    -v "${BATS_FILE_TMPDIR}/log:/host/var/log/aws-routed-eni" \
    -v "${VPCLAB_STATE}/node-a/run:/var/run/aws-node" -v /run/xtables.lock:/run/xtables.lock \
    -e AWS_VPC_K8S_CNI_LOG_FILE=/host/var/log/aws-routed-eni/ipamd.log "${image}"
  until_ok 60 logged 'entrypoint: ready' || { podman logs agent && return 1; }
  echo "# start to ready: $(ready_after) ms" >&3
  jq -e '.name == "aws-cni"' "${BATS_FILE_TMPDIR}/net.d/10-aws.conflist"
  cmp "${BATS_FILE_TMPDIR}/bin/aws-cni" "${BATS_FILE_TMPDIR}/bin/egress-cni"
  pod_add a one
  pod_add a two
  until_ok 20 pings a one "$(pod_ip a two)"
  introspect a /v1/fips | jq -e '.provider.kind == "openssl-fips" and .summary.fail == 0'
  podman stop -t 30 agent
  [ "$(podman inspect -f '{{.State.ExitCode}}' agent)" = 0 ]
  logged 'the agent ended with 0'
  # Pods live on without it.
  pings a one "$(pod_ip a two)"
  podman rm agent
}

# From the container's start until the agent said that it serves.
ready_after() {
  local started ready
  started=$(date -d "$(podman inspect -f '{{.State.StartedAt}}' agent | sed 's/ +0000 UTC//')" +%s%3N)
  ready=$(date -r "${BATS_FILE_TMPDIR}/net.d/10-aws.conflist" +%s%3N)
  echo $((ready - started))
}
