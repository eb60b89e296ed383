#!/usr/bin/env bats
# Pods with an IPv6 address on each of two network cards: packets by both, over a restart of the agent,
# and nothing left on the node afterwards.
# Release build only: what is new to the agent has unit tests; the rest is packets

load lab

bats_require_minimum_version 1.5.0

setup_file() {
  local node setting
  local -a flags=()
  for node in a b; do
    for setting in ENABLE_MULTI_NIC=true ENABLE_IPv4=false ENABLE_IPv6=true ENABLE_PREFIX_DELEGATION=true \
      IP_COOLDOWN_PERIOD=2; do
      flags+=(--env "${node}:${setting}")
    done
  done
  lab_up vpce-multi-v6 --nodes 2 --type duo.test --ipv6 yes "${flags[@]}"
}
teardown_file() { lab_down; }

both() { # NODE POD: an address on each card
  mkdir -p "${VPCLAB_STATE}/node-$1/pods"
  touch "${VPCLAB_STATE}/node-$1/pods/$2.multi"
  pod_add "$1" "$2"
}
addresses() { jq -r '.ips[].address | sub("/.*"; "")' "${VPCLAB_STATE}/node-$1/pods/$2.result"; }
answers() { # FROM POD SOURCE ADDRESS
  lab pod exec "$1" "$2" ping -n -I "$3" -c 1 -W 3 -q "$4"
}
all_ways() { # every address of a/one to every one of b/two and back
  local mine theirs
  for mine in $(addresses a one); do
    for theirs in $(addresses b two); do
      answers a one "${mine}" "${theirs}"
      answers b two "${theirs}" "${mine}"
    done
  done
}
host() { ip -n "${VPCLAB_NAME}-a" -6 "$@"; }

@test "an IPv6 address on each card, and packets by both" {
  both a one
  both b two
  [ "$(addresses a one | wc -l)" -eq 2 ]
  [ "$(addresses a one | grep -c :)" -eq 2 ]
  all_ways
  # The second address leaves by the ENI of card 1.
  host rule | grep "from $(addresses a one | tail -n 1) lookup 1"
  host route show table 10100 | grep '^default via fe80:ec2::1 dev eth1c'
  # And no more than one ENI of that card is made: one prefix is enough for ever.
  [ "$(control GET /state | jq '[.enis[] | select(.attachment.card == 1)] | length')" -eq 2 ]
}

@test "the node's commands see both interfaces" {
  run -0 lab exec a "${VPCCNI_BUILD}/vpccni" explain one
  [ "$(grep -c '^pod default/one ' <<<"${output}")" -eq 2 ]
  [[ ${output} == *'ENI table'* ]]
  run -0 lab exec a "${VPCCNI_BUILD}/vpccni" doctor
  run -0 lab exec a "${VPCCNI_BUILD}/vpccni" explain one --json
  jq -e '.broken == null and (.interfaces | length == 2)' <<<"${output}"
  host rule del pref 512 to "$(addresses a one | tail -n 1)"
  run lab exec a "${VPCCNI_BUILD}/vpccni" explain one --json
  # Broken, unless the agent was faster.
  [ "${status}" -eq 0 ] || jq -e --arg at "$(addresses a one | tail -n 1)" '.broken == "rule to" and .address == $at' <<<"${output}"
  until_ok 10 answers b two "$(addresses b two | head -n 1)" "$(addresses a one | tail -n 1)"
}

@test "over a kill of the agent, and nothing is left after the pod" {
  local each
  lab agent kill a
  all_ways
  lab agent start a
  until_ok 30 answers b two "$(addresses b two | head -n 1)" "$(addresses a one | tail -n 1)"
  [ "$(introspect a /v1/pods | jq length)" -eq 2 ]
  both a three
  [ "$(cat <(addresses a one) <(addresses a three) | sort -u | wc -l)" -eq 4 ]
  for each in $(addresses a one); do
    echo "${each}" >>"${BATS_TEST_TMPDIR}/gone"
  done
  lab pod del a one
  lab pod del a three
  run ! grep -F -f "${BATS_TEST_TMPDIR}/gone" <(host rule && host route)
  [ "$(introspect a /v1/pods | jq length)" -eq 0 ]
}
