#!/usr/bin/env bats
# The plugin alone, as a runtime calls it: no agent, no VPC, in a network namespace of its own.

setup() {
  build=${VPCCNI_BUILD:?}
  bin=${BATS_TEST_TMPDIR}/bin
  mkdir -p "${bin}"
  ln -s "${build}/vpccni-host" "${bin}/aws-cni"
  config='{"cniVersion":"1.0.0","name":"aws-cni","type":"aws-cni"}'
}

teardown() {
  compgen -G '/run/*/control.sock' >/dev/null || rmdir /run/aws-node 2>/dev/null || true
}

# call VERB [NAME=VALUE]... <stdin: in a namespace where nobody listens
call() {
  local verb=$1
  shift
  # shellcheck disable=SC2016 # for the inner shell
  env -i PATH=/usr/bin:/bin CNI_COMMAND="${verb}" CNI_CONTAINERID=c1 CNI_NETNS=/run/netns/none-such \
    CNI_IFNAME=eth0 CNI_PATH="${bin}" "$@" \
    unshare -nm sh -c 'mkdir -p /run/aws-node; mount -t tmpfs none /run/aws-node; exec "$0"' "${bin}/aws-cni" 2>"${BATS_TEST_TMPDIR}/stderr"
}

# refused CODE TEXT: the last call ended with this error object.
refused() {
  [ "${status}" -eq 1 ]
  [ "$(jq -r .code <<<"${output}")" = "$1" ]
  [[ "$(jq -r '.msg + " " + (.details // "")' <<<"${output}")" == *"$2"* ]]
}

@test "without a command it says what it is" {
  run env -u CNI_COMMAND "${bin}/aws-cni"
  [ "${status}" -eq 0 ]
  [[ "${output}" == *"CNI protocol versions supported: 0.1.0, 0.2.0"* ]]
}

@test "VERSION" {
  run call VERSION <<<'garbage'
  [ "${status}" -eq 0 ]
  [ "${output}" = '{"cniVersion":"1.1.0","supportedVersions":["0.1.0","0.2.0","0.3.0","0.3.1","0.4.0","1.0.0","1.1.0"]}' ]
}

@test "garbage, nothing, half a document and 10 MB on stdin" {
  run call ADD < <(head -c 4096 /dev/urandom)
  refused 6 'error unmarshall network config'
  run call ADD </dev/null
  refused 6 ''
  run call ADD <<<"${config:0:30}"
  refused 6 ''
  run call ADD < <(head -c 10000000 /dev/zero | tr '\0' '[')
  refused 6 ''
  run call ADD <<<'{"cniVersion":"1.0.0"}'
  refused 7 'missing network name'
}

@test "missing and malformed variables, unknown versions and verbs" {
  run call ADD CNI_NETNS= <<<"${config}"
  refused 4 'required env variables [CNI_NETNS] missing'
  run call ADD CNI_CONTAINERID=a/b <<<"${config}"
  refused 4 'invalid characters in containerID'
  run call ADD CNI_IFNAME=far-too-long-a-name <<<"${config}"
  refused 4 'interface name is too long'
  run call ADD CNI_ARGS=K8S_POD_NAME <<<"${config}"
  refused 999 'ARGS: invalid pair'
  run call SUBTRACT <<<"${config}"
  refused 4 'unknown CNI_COMMAND: SUBTRACT'
  run call ADD <<<'{"cniVersion":"2.0.0","name":"n"}'
  refused 1 'incompatible CNI versions'
  run call CHECK <<<'{"cniVersion":"0.3.1","name":"n"}'
  refused 1 'config version does not allow CHECK'
  run call ADD <<<'{"cniVersion":"1.0.0","name":"n","vethPrefix":"toolong"}'
  refused 999 'conf.VethPrefix can be at most 4 characters'
}

@test "a network namespace that is gone is named" {
  run call ADD <<<"${config}"
  refused 999 '/run/netns/none-such'
}

@test "ADD without an agent says so and what to do" {
  run call ADD CNI_NETNS="/proc/$$/ns/net" <<<"${config}"
  refused 999 'add cmd: failed to connect to backend server'
  [[ "${output}" == *AGENT_DOWN* ]]
}

@test "DEL, CHECK without an agent succeed silently" {
  run call DEL <<<"${config}"
  [ "${status}" -eq 0 ]
  [ -z "${output}" ]
  run call CHECK CNI_NETNS="/proc/$$/ns/net" <<<"${config}"
  [ "${status}" -eq 0 ]
}

@test "its own network namespace is refused before anything is done" {
  run env CNI_COMMAND=ADD CNI_CONTAINERID=c CNI_NETNS=/proc/self/ns/net CNI_IFNAME=eth0 \
    CNI_PATH="${bin}" "${bin}/aws-cni" <<<"${config}"
  refused 8 'should not be the same'
}

@test "a log file that cannot be written does not matter" {
  run call DEL <<<'{"cniVersion":"1.0.0","name":"n","pluginLogFile":"/proc/none/such.log"}'
  [ "${status}" -eq 0 ]
  run call DEL <<<'{"cniVersion":"1.0.0","name":"n","pluginLogFile":"stdout"}'
  [ "${status}" -eq 0 ]
  [ -z "${output}" ]
}

@test "it needs nothing of the host: static, and runs in an empty root" {
  if grep -q '^VPCCNI_SANITIZE:STRING=.' "${build}/CMakeCache.txt"; then
    return 0 # sanitizers need shared libraries; the release build is what is installed
  fi
  run ldd "${build}/vpccni-host"
  [[ "${output}" == *"not a dynamic executable"* ]]
  local root=${BATS_TEST_TMPDIR}/root
  mkdir "${root}"
  cp "${build}/vpccni-host" "${root}/aws-cni"
  run env -i CNI_COMMAND=VERSION /usr/sbin/chroot "${root}" /aws-cni
  [ "${status}" -eq 0 ]
  [[ "${output}" == *supportedVersions* ]]
  run env -i CNI_COMMAND=DEL CNI_CONTAINERID=c CNI_IFNAME=eth0 CNI_PATH=/ \
    unshare -n /usr/sbin/chroot "${root}" /aws-cni <<<"${config}"
  [ "${status}" -eq 0 ]
}

@test "the program knows its commands and settings" {
  run "${build}/vpccni" help environment
  [ "${status}" -eq 0 ]
  [[ "${output}" == *"WARM_ENI_TARGET=1"* ]]
  run "${build}/vpccni" version --json
  [ "$(jq -r .flavour <<<"${output}")" = full ]
  run "${build}/vpccni-host" version --json
  [ "$(jq -r .flavour <<<"${output}")" = host ]
  run "${build}/vpccni" nonsense
  [ "${status}" -eq 2 ]
}
