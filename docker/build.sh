#!/bin/bash
# Builds the image. The last line of the output: image TAG BYTES (compressed).
# usage: docker/build.sh [OPTION]...
#   --tag TAG              default vpccni-fips:VERSION
#   --provider NAME        openssl: OpenSSL's FIPS provider, built from its validated release (default)
#                          wolfssl: wolfProvider and wolfSSL, from your provider bundle
#   --bundle PATH          that bundle: a directory, or an archive (.7z, .tar.gz); see docs/image.md
#   --password-file FILE   opens a .7z bundle, as a build secret; default wolfssl_password.txt
#   --engine NAME          docker or buildah; default the first of them that is installed
#   --base IMAGE           default ubuntu:22.04; name it by digest for builds that can be repeated
#   --sources DIR          copies of the tarballs that are otherwise fetched, found by their SHA-256
#   --app DIR              takes vpccni and vpccni-host from there; they must have been built on the
#                          base's distribution
#   --build-arg NAME=VALUE of docker/Dockerfile; may be repeated
#   --unvalidated          accepts a module without a certificate; for tests only
#   --no-cache             builds every stage anew
#   --push --registry URL  pushes to URL/TAG
#   --help
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)

usage() { sed -n '2,/--help/s/^# \{0,1\}//p' "$0"; }
die() {
  echo "build.sh: $*" >&2
  exit 2
}

version=$(sed -n 's/^project(vpccni VERSION \([0-9.]*\).*/\1/p' "${root}/CMakeLists.txt")
tag=vpccni-fips:${version} provider=openssl engine='' base='' bundle='' app='' stage=source push='' registry=''
password_file=${root}/wolfssl_password.txt
options=(--file docker/Dockerfile)
while (($# > 0)); do
  case "$1" in
    --tag | --provider | --bundle | --password-file | --engine | --base | --sources | --app | --build-arg | --registry)
      [[ -n ${2:-} ]] || die "$1 needs a value"
      ;;&
    --tag) tag=$2 ;;
    --provider) provider=$2 ;;
    --bundle) bundle=$(realpath "$2") ;;
    --password-file) password_file=$(realpath "$2") ;;
    --engine) engine=$2 ;;
    --base) base=$2 ;;
    --sources) options+=(--build-context "sources=$(realpath "$2")") ;;
    --app) app=$(realpath "$2") stage=prebuilt ;;
    --build-arg) options+=(--build-arg "$2") ;;
    --registry) registry=$2 ;;
    --unvalidated) options+=(--build-arg VERIFY=) ;;
    --no-cache) options+=(--no-cache) ;;
    --push) push=1 ;;
    --help)
      usage
      exit 0
      ;;
    *)
      usage >&2
      die "unknown option $1"
      ;;
  esac
  case "$1" in
    --unvalidated | --no-cache | --push) shift ;;
    *) shift 2 ;;
  esac
done
[[ ${provider} == openssl || ${provider} == wolfssl ]] || die '--provider: openssl or wolfssl'
[[ -z ${push} || -n ${registry} ]] || die '--push needs --registry'
[[ ${provider} == openssl || -n ${bundle} ]] || die '--provider wolfssl needs --bundle: this repository holds no wolfSSL'
[[ -z ${bundle} || -e ${bundle} ]] || die "no bundle ${bundle}"
if [[ -z ${engine} ]]; then
  if command -v docker >/dev/null; then engine=docker; else engine=buildah; fi
fi
command -v "${engine}" >/dev/null || die "${engine} is not installed"

cd "${root}"
work=$(mktemp -d)
trap 'rm -rf "${work}"' EXIT
# buildah finds the stages of `FROM name-${ARGUMENT}` only for arguments that it is given.
options+=(--build-arg "PROVIDER=${provider}" --build-arg "APP=${stage}"
  --build-arg "VERSION=${version}" --build-arg "GIT_SHA=$(git rev-parse HEAD 2>/dev/null || echo unknown)")
[[ -z ${base} ]] || options+=(--build-arg "BASE_IMAGE=${base}")
if [[ -n ${app} ]]; then
  mkdir "${work}/app"
  cp "${app}/vpccni" "${app}/vpccni-host" "${work}/app/"
  options+=(--build-context "prebuilt=${work}/app")
fi
if [[ -d ${bundle} ]]; then
  options+=(--build-context "bundle=${bundle}")
elif [[ -n ${bundle} ]]; then
  mkdir "${work}/bundle"
  cp "${bundle}" "${work}/bundle/"
  options+=(--build-context "bundle=${work}/bundle")
  if [[ ${bundle} == *.7z ]]; then
    [[ -s ${password_file} ]] || die "no password in ${password_file} (--password-file)"
    options+=(--secret "id=wolfssl_password,src=${password_file}")
  fi
fi
if [[ -n ${SOURCE_DATE_EPOCH:-} ]]; then
  options+=(--build-arg "SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH}")
  [[ ${engine} == docker ]] || options+=(--timestamp "${SOURCE_DATE_EPOCH}")
fi

# shellcheck source=docker/engine.sh
. docker/engine.sh
build_image "${tag}" "${options[@]}"
[[ -z ${push} ]] || push_image "${tag}" "${registry}/${tag}"
echo "image ${tag} $(compressed_size "${tag}")"
