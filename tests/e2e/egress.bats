#!/usr/bin/env bats
# The egress plugin alone, as a runtime calls it: a node and its pods as network namespaces, the
# worked example on both kinds of iptables, and that nothing leaks.

load lab

# Namespaces go when bats goes, however that happens.
setup_file() {
  export RUN=${BATS_ROOT_PID:-$$}
  # shellcheck disable=SC2016 # for the inner shell
  setsid bash -c 'while kill -0 "$0" 2>/dev/null; do sleep 0.5; done
    for ns in $(ip netns list | grep -o "^vpce-egress-$0[^ ]*"); do ip netns del "${ns}"; done' \
    "${RUN}" >/dev/null 2>&1 </dev/null 3>&- 4>&- &
}

setup() {
  build=${VPCCNI_BUILD:?}
  node=vpce-egress-${RUN}
  pod=${node}-pod
  id=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
  bin=${BATS_TEST_TMPDIR}/bin
  data=${BATS_TEST_TMPDIR}/ipam
  mkdir -p "${bin}"
  ln -s "${build}/vpccni-host" "${bin}/egress-cni"
  ip netns add "${node}"
  ip netns add "${pod}"
  ip -n "${node}" link add eth0 address 02:00:00:00:00:01 type veth peer name vpc0
  ip -n "${node}" link set vpc0 up
  ip -n "${node}" link set eth0 up
  ip -n "${node}" addr add 10.0.0.5/24 brd + dev eth0
  ip -n "${node}" -6 addr add 2600:1f14::5/64 dev eth0 nodad
  use nft
}

teardown() {
  local ns
  for ns in $(ip netns list | grep -o "^${node}[^ ]*"); do
    ip netns del "${ns}"
  done
}

# use nft|legacy: what iptables is for the plugin and for us
use() {
  local program
  for program in ip{,6}tables{,-save,-restore}; do
    ln -sf "/usr/sbin/${program/tables/tables-$1}" "${bin}/${program}"
  done
}

on_node() { PATH=${bin}:${PATH} ip netns exec "${node}" "$@"; }
in_pod() { ip netns exec "${pod}" "$@"; }

prev() {
  cat <<END
{"cniVersion": "1.0.0",
 "interfaces": [{"name": "eni5e1c4d6c68c"},
   {"name": "eth0", "mac": "254", "sandbox": "/run/netns/${pod}"},
   {"name": "dummy5e1c4d6c68c", "mac": "0", "sandbox": "0"}],
 "ips": [{"interface": 1, "address": "2600:1f14::10/128"}]}
END
}

# conf V4|V6 [JQ]: the conflist's entry as the runtime hands it over, changed by a filter
conf() {
  local subnet=169.254.172.0/22 dst=0.0.0.0/0 address=10.0.0.5
  [[ $1 == v4 ]] || { subnet=fd00::ac:00/118 dst=::/0 address=2600:1f14::5; }
  jq -n --argjson prev "$(prev)" --arg subnet "${subnet}" --arg dst "${dst}" --arg ip "${address}" \
    --arg data "${data}" '
    {cniVersion: "1.0.0", name: "aws-cni", type: "egress-cni", mtu: "9001", enabled: "true",
     randomizeSNAT: "prng", nodeIP: $ip, pluginLogFile: "stderr", pluginLogLevel: "Debug",
     ipam: {type: "host-local", ranges: [[{subnet: $subnet}]], routes: [{dst: $dst}], dataDir: $data},
     prevResult: $prev} | '"${2:-.}"
}

# call VERB CONF [NAME=VALUE]...
call() {
  local verb=$1 conf=$2
  shift 2
  on_node env CNI_COMMAND="${verb}" CNI_CONTAINERID="${id}" CNI_NETNS="/run/netns/${pod}" CNI_IFNAME=eth0 \
    CNI_PATH="${bin}" "$@" "${bin}/egress-cni" <<<"${conf}" 2>"${BATS_TEST_TMPDIR}/stderr"
}

chains() { on_node "$1" -t nat | grep -e '^-A' -e '^:CNI' || true; }
bare() { sed -E 's/[[:space:]]+$//; s/ linkdown//'; }

# What a pod may leave behind: chains, links, addresses.
leftovers() {
  chains iptables-save
  chains ip6tables-save
  ip -n "${node}" -o link | grep -o ' veth[0-9a-f]*' || true
  find "${data}/aws-cni" -name "*[.:]*" ! -name "last_reserved_ip.0" 2>/dev/null || true
}

refused() {
  [ "${status}" -eq 1 ]
  [[ "$(jq -r .msg <<<"${output}")" == *"$1"* ]]
}

worked_example() {
  use "$1"
  run call ADD "$(conf v4)"
  [ "${status}" -eq 0 ]
  local link mac inside
  link=$(jq -r '.interfaces[3].name' <<<"${output}")
  [[ ${link} =~ ^veth[0-9a-f]{8}$ ]]
  mac=$(ip -n "${node}" -j link show "${link}" | jq -r '.[0].address')
  inside=$(ip -n "${pod}" -j link show v4if0 | jq -r '.[0].address')
  diff <(jq -S . <<<"${output}") <(prev | jq -S --arg link "${link}" --arg mac "${mac}" --arg inside "${inside}" \
    '.interfaces += [{name: $link, mac: $mac}, {name: "v4if0", mac: $inside, sandbox: .interfaces[1].sandbox}]')
  diff <(in_pod ip route | bare) - <<'END'
default via 169.254.172.1 dev v4if0
169.254.172.0/22 via 169.254.172.1 dev v4if0 src 169.254.172.2
169.254.172.1 dev v4if0 scope link src 169.254.172.2
END
  diff <(on_node ip -4 addr show "${link}" | grep -o 'inet.*') - <<<"inet 169.254.172.1/32 scope link ${link}"
  diff <(on_node ip route show 169.254.172.2 | bare) - <<<"169.254.172.2 dev ${link} scope link"
  local why="-m comment --comment \"name: \\\"aws-cni\\\" id: \\\"${id}\\\"\""
  diff <(chains iptables-save) - <<END
:CNI-E4-807bd76e84ee4fda02860 - [0:0]
-A POSTROUTING -s 169.254.172.2/32 ${why} -j CNI-E4-807bd76e84ee4fda02860
-A CNI-E4-807bd76e84ee4fda02860 -d 224.0.0.0/4 ${why} -j ACCEPT
-A CNI-E4-807bd76e84ee4fda02860 ${why} -j SNAT --to-source 10.0.0.5 --random-fully
END
  diff <(od -c "${data}/aws-cni/169.254.172.2") <(printf '%s\r\neth0' "${id}" | od -c)
  [ "$(<"${data}/aws-cni/last_reserved_ip.0")" = 169.254.172.2 ]
  in_pod ping -n -c 1 -W 3 -q 10.0.0.5
  run call DEL "$(conf v4)"
  [ "${status}" -eq 0 ]
  [ -z "${output}" ]
  [ -z "$(leftovers)" ]
}

@test "worked example 9.5, iptables-nft" {
  worked_example nft
}

@test "worked example 9.5, iptables-legacy" {
  worked_example legacy
}

@test "IPv6 egress of an IPv4 cluster, on both kinds of iptables" {
  local kind link via
  for kind in nft legacy; do
    use "${kind}"
    ip netns del "${pod}"
    ip netns add "${pod}"
    run call ADD "$(conf v6)"
    [ "${status}" -eq 0 ]
    link=$(jq -r '.interfaces[3].name' <<<"${output}")
    via=$(ip -n "${node}" -6 -j addr show "${link}" scope link | jq -r '.[0].addr_info[0].local')
    in_pod ip -6 addr show v6if0 | grep -F 'inet6 fd00::ac:' | grep -vq tentative
    diff <(in_pod ip -6 route show default | bare) - <<<"default via ${via} dev v6if0 metric 1024 pref medium"
    chains ip6tables-save | grep -E 'POSTROUTING -s fd00::ac:[23]/128 .* -j CNI-E6-807bd76e84ee4fda02860$'
    chains ip6tables-save | grep -F -- '-d ff00::/8'
    chains ip6tables-save | grep -F -- '-j SNAT --to-source 2600:1f14::5 --random-fully'
    in_pod ping -n -c 1 -W 3 -q 2600:1f14::5
    call DEL "$(conf v6)"
    [ -z "$(leftovers)" ]
  done
}

@test "what it says it is" {
  run env -u CNI_COMMAND "${bin}/egress-cni"
  [ "${status}" -eq 0 ]
  [[ "${output}" == "egress CNI plugin "*"CNI protocol versions supported: 0.1.0"* ]]
  run env CNI_COMMAND=VERSION "${build}/vpccni" egress
  [[ "${output}" == *supportedVersions* ]]
}

@test "not enabled: prevResult comes back; a bad mtu and a missing prevResult fail all the same" {
  run call ADD "$(conf v4 '.enabled = "false"')"
  [ "${status}" -eq 0 ]
  diff <(jq -S . <<<"${output}") <(prev | jq -S .)
  run call ADD "$(conf v6 '.enabled = "false" | .nodeIP = ""')"
  [ "${status}" -eq 0 ]
  run call ADD "$(conf v4 '.enabled = "false" | .mtu = "x"')"
  refused MTU
  run call ADD "$(conf v4 '.enabled = "false" | del(.prevResult)')"
  refused 'must be called as a chained plugin'
  run call ADD "$(conf v4 '.nodeIP = "ten"')"
  refused nodeIP
  run call ADD "$(conf v6 '.nodeIP = ""')"
  refused 'global unicast IPv6 not found in host primary interface'
  run call ADD "$(conf v4 '.ipam.type = "dhcp"')"
  refused 'only host-local'
  [ -z "$(leftovers)" ]
}

@test "DEL leaks nothing: without prevResult, with the namespace gone, after egress was switched off" {
  local how
  for how in no-prev no-netns gone off; do
    call ADD "$(conf v4)"
    [ -n "$(leftovers)" ]
    case "${how}" in
      no-prev) call DEL "$(conf v4 'del(.prevResult)')" ;;
      no-netns) call DEL "$(conf v4)" CNI_NETNS= ;;
      gone)
        ip netns del "${pod}"
        call DEL "$(conf v4)"
        ;;
      off) call DEL "$(conf v4 '.enabled = "false"')" ;;
    esac
    [ -z "$(leftovers)" ]
    run call DEL "$(conf v4 'del(.prevResult)')" CNI_NETNS=
    [ "${status}" -eq 0 ]
    [ -z "${output}" ]
    [[ ${how} != gone ]] || ip netns add "${pod}"
  done
}

@test "an ADD that fails gives its address back, and leaves what another pod has" {
  ip netns add "${node}-other"
  call ADD "$(conf v4)" CNI_CONTAINERID=other CNI_NETNS="/run/netns/${node}-other"
  local before
  before=$(leftovers)
  ip -n "${pod}" link add v4if0 type veth peer name x
  run call ADD "$(conf v4)"
  refused 'has a link v4if0 already'
  [ "$(leftovers)" = "${before}" ]
  run call ADD "$(conf v4)" CNI_NETNS=/run/netns/none-such
  refused none-such
  [ "$(leftovers)" = "${before}" ]
  # A second ADD of the same container is an error and takes nothing from the first.
  run call ADD "$(conf v4)" CNI_CONTAINERID=other CNI_NETNS="/run/netns/${node}-other"
  refused 'duplicate allocation is not allowed'
  [ "$(leftovers)" = "${before}" ]
  ip netns exec "${node}-other" ping -n -c 1 -W 3 -q 10.0.0.5
  # And a DEL of one pod leaves the other's.
  call DEL "$(conf v4)"
  [ "$(leftovers)" = "${before}" ]
  ip netns del "${node}-other"
}

@test "the reference plugin host-local works on the same files" {
  call ADD "$(conf v4)"
  reference() {
    env CNI_COMMAND="$1" CNI_CONTAINERID="$2" CNI_NETNS=/x CNI_IFNAME=eth0 CNI_PATH=/usr/lib/cni \
      /usr/lib/cni/host-local <<<"$(conf v4)"
  }
  [ "$(reference ADD theirs | jq -r '.ips[0].address')" = 169.254.172.3/22 ]
  [[ "$(reference ADD "${id}")" == *"169.254.172.2 has been allocated to ${id}"* ]]
  reference DEL "${id}"
  [ ! -e "${data}/aws-cni/169.254.172.2" ]
  call DEL "$(conf v4)" # the chain goes although the address is gone
  call DEL "$(conf v4)" CNI_CONTAINERID=theirs
  [ -z "$(leftovers)" ]
}

@test "ten pods at once" {
  local i
  for i in {0..9}; do
    ip netns add "${node}-p${i}"
    call ADD "$(conf v4)" CNI_CONTAINERID="c${i}" CNI_NETNS="/run/netns/${node}-p${i}" \
      >"${BATS_TEST_TMPDIR}/add-${i}" 3>&- &
  done
  wait
  [ "$(chains iptables-save | grep -c 'POSTROUTING')" -eq 10 ]
  for i in {0..9}; do
    ip netns exec "${node}-p${i}" ping -n -c 1 -W 3 -q 10.0.0.5
    call DEL "$(conf v4)" CNI_CONTAINERID="c${i}" CNI_NETNS="/run/netns/${node}-p${i}" 3>&- &
  done
  wait
  for i in {0..9}; do ip netns del "${node}-p${i}"; done
  [ -z "$(leftovers)" ]
}

@test "an ADD that is killed: the runtime's DEL takes what it left, at whatever moment" {
  clean() {
    call DEL "$(conf v4 'del(.prevResult)')"
    [ -z "$(leftovers)" ]
  }
  local i pid pause config
  config=$(conf v4)
  for i in {0..11}; do
    ip netns exec "${node}" env PATH="${bin}:${PATH}" CNI_COMMAND=ADD CNI_CONTAINERID="${id}" \
      CNI_NETNS="/run/netns/${pod}" CNI_IFNAME=eth0 CNI_PATH="${bin}" "${bin}/egress-cni" \
      <<<"${config}" >/dev/null 2>&1 3>&- &
    pid=$!
    printf -v pause '0.%03d' $((i * 4))
    sleep "${pause}"
    kill -KILL "${pid}" 2>/dev/null || true
    wait "${pid}" || true
    # iptables-restore may outlive the plugin: then the DEL that comes next takes its work.
    until_ok 5 clean
  done
  call ADD "${config}"
  in_pod ping -n -c 1 -W 3 -q 10.0.0.5
}
