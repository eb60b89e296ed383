#!/bin/bash
# Builds the image, and from it the hardened one. The last line: image TAG BYTES (compressed).
# usage: docker/build-hardened.sh [OPTION]...   the options of docker/build.sh; --tag is the hardened
#                                               image's, default vpccni-fips:VERSION-hardened
#   --image TAG   hardens this image instead of building one
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)

version=$(sed -n 's/^project(vpccni VERSION \([0-9.]*\).*/\1/p' "${root}/CMakeLists.txt")
tag=vpccni-fips:${version}-hardened engine='' image='' push='' registry='' provider=openssl
options=(--file docker/Dockerfile.hardened) passed=()
while (($# > 0)); do
  case "$1" in
    --help)
      sed -n '2,/--image/s/^# \{0,1\}//p' "$0"
      "${root}/docker/build.sh" --help
      exit 0
      ;;
    --unvalidated)
      options+=(--build-arg VERIFY=)
      passed+=("$1")
      shift
      ;;
    --no-cache)
      options+=("$1")
      passed+=("$1")
      shift
      ;;
    --push)
      push=1
      shift
      ;;
    *)
      value=${2:?"build-hardened.sh: $1 needs a value"}
      case "$1" in
        --tag) tag=${value} ;;
        --image) image=${value} ;;
        --registry) registry=${value} ;;
        --base) options+=(--build-arg "BASE_IMAGE=${value}") ;;&
        --engine) engine=${value} ;;&
        --provider) provider=${value} ;;&
        *) passed+=("$1" "${value}") ;;
      esac
      shift 2
      ;;
  esac
done
[[ -z ${push} || -n ${registry} ]] || {
  echo 'build-hardened.sh: --push needs --registry' >&2
  exit 2
}
if [[ -z ${engine} ]]; then
  if command -v docker >/dev/null; then engine=docker; else engine=buildah; fi
fi
if [[ -z ${image} ]]; then
  image=${tag}-standard
  "${root}/docker/build.sh" --tag "${image}" "${passed[@]}"
fi
cd "${root}"
work=$(mktemp -d)
trap 'rm -rf "${work}"' EXIT
options+=(--build-arg "IMAGE=${image}" --build-arg "VERSION=${version}" --build-arg "PROVIDER=${provider}"
  --build-arg "GIT_SHA=$(git rev-parse HEAD 2>/dev/null || echo unknown)")
# shellcheck source=docker/engine.sh
. docker/engine.sh
build_image "${tag}" "${options[@]}"
[[ -z ${push} ]] || push_image "${tag}" "${registry}/${tag}"
echo "image ${tag} $(compressed_size "${tag}")"
