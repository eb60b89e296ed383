# shellcheck shell=bash
# The image's tests: builds with buildah on a Debian base, runs with podman, in storage of their own.

# image_setup: a base image, the sources, and where everything is; once for a test file.
image_setup() {
  local cache=${VPCCNI_IMAGE_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/vpccni/image} mirror
  export IMAGE_DIR=${BATS_FILE_TMPDIR}/image
  mkdir -p "${IMAGE_DIR}/cni" "${cache}"
  printf '[storage]\ndriver = "overlay"\ngraphroot = "%s/storage"\nrunroot = "%s/run"\n' \
    "${IMAGE_DIR}" "${IMAGE_DIR}" >"${IMAGE_DIR}/storage.conf"
  cat >"${IMAGE_DIR}/containers.conf" <<END
[network]
network_backend = "cni"
network_config_dir = "${IMAGE_DIR}/cni"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
END
  export CONTAINERS_STORAGE_CONF=${IMAGE_DIR}/storage.conf CONTAINERS_CONF=${IMAGE_DIR}/containers.conf
  image_watch

  if [[ ! -s ${cache}/base.tar ]]; then
    mirror=$(sed -n 's/^URIs: *\(.*\)\/debian *$/\1/p; s/^deb \(\[.*\] \)\?\(http[^ ]*\)\/debian .*/\2/p' \
      /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -n 1)
    mmdebstrap --quiet --variant=minbase bookworm "${cache}/base.new.tar" \
      "deb ${mirror}/debian bookworm main" "deb ${mirror}/debian bookworm-updates main" \
      "deb ${mirror}/debian-security bookworm-security main"
    mv "${cache}/base.new.tar" "${cache}/base.tar"
  fi
  podman import -q "${cache}/base.tar" localhost/debian:bookworm
  if [[ -z $(find "${cache}" -name 'openssl_*') || -z $(find "${cache}" -name 'curl_*') ]]; then
    "${BATS_TEST_DIRNAME}/../../scripts/debian-source" "${cache}" openssl curl
  fi
  mkdir -p "${IMAGE_DIR}/sources"
  find "${cache}" \( -name 'openssl_*' -o -name 'curl_*' \) -exec cp {} "${IMAGE_DIR}/sources/" \;
}

# Containers, working containers of builds that failed, and mounts. Safe to repeat.
image_teardown() {
  podman rm -f -a -t 0 >/dev/null 2>&1 || true
  buildah rm --all >/dev/null 2>&1 || true
  awk -v dir="${IMAGE_DIR}/" 'index($2, dir) == 1 { print $2 }' /proc/mounts | sort -r \
    | xargs -r umount -l || true
}

# Also when the tests are killed.
image_watch() {
  # shellcheck disable=SC2016  # for the inner shell
  setsid bash -c "$(declare -f image_teardown)"'
    while kill -0 "$0" 2>/dev/null; do sleep 1; done
    image_teardown
    rm -rf "${IMAGE_DIR}"' "${BATS_ROOT_PID:-$$}" >/dev/null 2>&1 </dev/null 3>&- 4>&- &
  disown
}

# image_build SCRIPT TAG OPTION...: docker/SCRIPT with this machine's base, sources and programs.
image_build() {
  local script=$1 tag=$2 openssl curl
  shift 2
  openssl=$(find "${IMAGE_DIR}/sources" -name 'openssl_*')
  curl=$(find "${IMAGE_DIR}/sources" -name 'curl_*')
  "${BATS_TEST_DIRNAME}/../../docker/${script}" --engine buildah --base localhost/debian:bookworm \
    --app "${VPCCNI_BUILD}" --sources "${IMAGE_DIR}/sources" --tag "${tag}" \
    --build-arg "OPENSSL_FIPS_VERSION=$(version_of "${openssl}")" \
    --build-arg "OPENSSL_FIPS_SHA256=$(sha256 "${openssl}")" --build-arg OPENSSL_FIPS_PARTS=module \
    --build-arg "CURL_VERSION=$(version_of "${curl}")" --build-arg "CURL_SHA256=$(sha256 "${curl}")" \
    "$@"
}
version_of() {
  local file=${1##*_}
  echo "${file%.orig*}"
}
sha256() { sha256sum "$1" | cut -c1-64; }

# in_image TAG COMMAND...: without network, and without more than a container needs.
in_image() {
  local tag=$1
  shift
  podman run --rm --network none --read-only --cap-drop ALL --entrypoint '' "${tag}" "$@"
}
