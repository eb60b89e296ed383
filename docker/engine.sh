# shellcheck shell=bash disable=SC2154
# docker and buildah, for build.sh and build-hardened.sh; ${engine} is one of them, ${work} a
# directory for temporary files.

build_image() { # TAG OPTION...
  local tag=$1
  shift
  case "${engine}" in
    docker) DOCKER_BUILDKIT=1 docker build --tag "${tag}" "$@" . ;;
    # chroot: a build within a container has no rights for another.
    buildah) buildah bud --isolation "${BUILDAH_ISOLATION:-chroot}" --network host --layers --tag "${tag}" "$@" . ;;
  esac
}

push_image() { # TAG TO
  case "${engine}" in
    docker) docker tag "$1" "$2" && docker push "$2" ;;
    buildah) buildah push "$1" "docker://$2" ;;
  esac
}

# Bytes of the layers as a registry holds them.
compressed_size() { # TAG
  case "${engine}" in
    docker)
      docker save "$1" | tar -xO --wildcards '*/layer.tar' 'blobs/sha256/*' 2>/dev/null | gzip -c | wc -c
      ;;
    buildah)
      buildah push -q --format oci "$1" "oci:${work}/oci"
      jq -rs '.[0].manifests[0].digest | sub("sha256:"; "")' "${work}/oci/index.json" \
        | xargs -I{} jq '[.layers[].size] | add' "${work}/oci/blobs/sha256/{}"
      ;;
  esac
}
