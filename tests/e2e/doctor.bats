#!/usr/bin/env bats
# explain and doctor on a node of the lab: faults are injected one by one, and the first finding names
# them.
# Release build only: nothing here is new to the agent, and each fault waits for a healthy node
# shellcheck disable=SC2034,SC2154  # node.bash reads undo and sets v

load lab
load node

bats_require_minimum_version 1.5.0

setup_file() { node_up vpce-doctor 2 --env b:WARM_ENI_TARGET=0; }
teardown_file() { lab_down; }
setup() { node_setup; }
teardown() { node_mended; }

# first ID: the doctor's first finding.
first() {
  run -1 on "${v}" doctor --json
  [ "$(jq -r '.findings[0].id' <<<"${output}")" = "$1" ] || {
    echo "${output}"
    return 1
  }
  jq -e '.findings[0] | (.evidence | length > 0) and (.fix | length > 0)' <<<"${output}" >/dev/null
}
# breaks POD HOP: explain's first broken hop.
breaks() {
  run -1 on "${v}" explain "$1" --json
  [ "$(jq -r .broken <<<"${output}")" = "$2" ] || {
    echo "${output}"
    return 1
  }
}

@test "a healthy node: no finding, every hop is there, one screen" {
  run -0 on "${v}" doctor
  run -0 on "${v}" explain default/four
  [[ ${output} == *'nothing on this node is broken'* && ${output} == *'rule from'* && ${output} == *'ENI table'* ]]
  run -0 on "${v}" status
  [[ ${output} == *'agent     answers'* && ${output} == *'4 in use'* ]]
  ((${#lines[@]} <= 24))
  run -0 on "${v}" pods
  ((${#lines[@]} == 5))
  [[ ${output} == *default/four*$(pod_ip a four)* ]]
  run -0 on "${v}" explain "$(pod_ip a one)" --json
  jq -e '.broken == null and .pod == "default/one" and (.hops | length >= 8)' <<<"${output}"
}

@test "the rule to a pod" {
  on ip rule del pref 512 to "$(pod_ip a one)"
  undo="on ip rule add pref 512 to $(pod_ip a one) lookup main"
  breaks one 'rule to'
  first VC010
}

@test "a stale neighbour: the host end's MAC address has changed" {
  local link mac
  link=$(link_of two)
  mac=$(on cat "/sys/class/net/${link}/address" 2>/dev/null || on ip -j link show "${link}" | jq -r '.[0].address')
  on ip link set "${link}" address 06:11:22:33:44:55
  undo="on ip link set ${link} address ${mac}"
  breaks two 'pod neighbour'
  first VC014
}

@test "the rule from a pod" {
  on ip rule del pref 1536 from "$(pod_ip a four)"
  undo="on ip rule add pref 1536 from $(pod_ip a four) lookup 2"
  breaks four 'rule from'
  first VC010
}

@test "the rule from a pod leads to a wrong table" {
  on ip rule add pref 1536 from "$(pod_ip a four)" lookup 77
  on ip rule del pref 1536 from "$(pod_ip a four)" lookup 2
  undo="on ip rule add pref 1536 from $(pod_ip a four) lookup 2; on ip rule del pref 1536 from $(pod_ip a four) lookup 77"
  breaks four 'rule from'
  first VC010
}

@test "the route to a pod" {
  local link
  link=$(link_of one)
  on ip route del "$(pod_ip a one)"
  undo="on ip route add $(pod_ip a one) dev ${link} scope link"
  breaks one 'route to'
  first VC011
}

@test "a pod's link is down" {
  local link
  link=$(link_of two)
  on ip link set "${link}" down
  undo="on ip link set ${link} up; on ip route replace $(pod_ip a two) dev ${link} scope link"
  breaks two 'host veth up'
  first VC008
}

@test "the mark rule" {
  on ip rule del pref 1024
  undo='on ip rule add pref 1024 fwmark 0x80/0x80 lookup main'
  breaks one 'rule mark'
  first VC010
}

@test "the jump to the SNAT chain, and the rule in it" {
  on iptables-save -t nat >"${BATS_TEST_TMPDIR}/nat"
  undo="on iptables-restore -T nat ${BATS_TEST_TMPDIR}/nat"
  on iptables -t nat -F POSTROUTING
  breaks one chains
  first VC019
  eval "${undo}"
  on iptables -t nat -F AWS-SNAT-CHAIN-0
  first VC019
}

@test "the marks of node ports" {
  on iptables-save -t mangle >"${BATS_TEST_TMPDIR}/mangle"
  on iptables -t mangle -F PREROUTING
  undo="on iptables-restore -T mangle ${BATS_TEST_TMPDIR}/mangle"
  first VC019
}

@test "rp_filter, and forwarding" {
  on sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.eth0.rp_filter=1
  undo='on sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth0.rp_filter=2'
  breaks one rp_filter
  first VC015
  eval "${undo}"
  on sysctl -qw net.ipv4.ip_forward=0
  undo='on sysctl -qw net.ipv4.ip_forward=1'
  breaks one ip_forward
  first VC017
}

@test "a secondary ENI: its link, its table" {
  on ip route flush table 2
  undo="lab agent restart a"
  breaks four 'ENI table'
  first VC008
  on ip link set eth1 down
  breaks four 'ENI link'
  first VC008
}

@test "an address that EC2 took" {
  local eni
  eni=$(on "${v}" pods --json | jq -er '.pods[] | select(.name == "three") | .eni')
  on aws --endpoint-url http://192.0.2.1 ec2 unassign-private-ip-addresses --network-interface-id "${eni}" \
    --private-ip-addresses "$(pod_ip a three)"
  undo="on aws --endpoint-url http://192.0.2.1 ec2 assign-private-ip-addresses --network-interface-id ${eni} --private-ip-addresses $(pod_ip a three)"
  until_ok 20 first VC007
  breaks three ENI
}

@test "an entry of the checkpoint is lost; a checkpoint that is none" {
  cp "$(run_dir)/ipam.json" "${BATS_TEST_TMPDIR}/ipam.json"
  undo="cp ${BATS_TEST_TMPDIR}/ipam.json $(run_dir)/ipam.json"
  jq -c 'del(.allocations[0])' "${BATS_TEST_TMPDIR}/ipam.json" >"$(run_dir)/ipam.json"
  first VC005
  breaks "$(jq -r '.allocations[0].metadata.k8sPodName' "${BATS_TEST_TMPDIR}/ipam.json")" checkpoint
  echo '{' >"$(run_dir)/ipam.json"
  first VC004
  breaks one checkpoint
}

# The first finding on node b, which cannot grow.
first_on_b() { lab exec b "${v}" doctor --json | jq -e --arg id "$1" '.findings[0].id == $id'; }

@test "EC2 denies, throttles, and has no address left" {
  local pod
  control POST /fault '{"kind":"deny","action":"CreateNetworkInterface"}'
  for pod in one two three; do
    pod_add b "${pod}"
  done
  run ! lab pod add b four
  first_on_b VC026
  run -0 lab exec b "${v}" why
  [[ ${output} == *EC2_DENIED* ]]
  control DELETE /fault
  control POST /fault '{"kind":"throttle","action":"CreateNetworkInterface"}'
  # It would not ask again for a while.
  lab agent restart b
  run ! lab pod add b four
  until_ok 10 first_on_b VC027
  control DELETE /fault
  local subnet
  for subnet in $(control GET /state | jq -r '.subnets[].id'); do
    control POST /subnet-fault "{\"subnet\":\"${subnet}\",\"full\":true}"
  done
  lab agent restart b
  run ! lab pod add b four
  until_ok 10 first_on_b VC024
  for subnet in $(control GET /state | jq -r '.subnets[].id'); do
    control POST /subnet-fault "{\"subnet\":\"${subnet}\",\"full\":false}"
  done
}

@test "the conflist: missing, broken, not the first" {
  mkdir -p "${BATS_TEST_TMPDIR}/net.d"
  looking() { on env "HOST_CNI_CONFDIR_PATH=${BATS_TEST_TMPDIR}/net.d" "${v}" doctor "$@"; }
  conflist_finding() { looking --json | jq -e '.findings[0].id == "VC030"'; }
  conflist_finding
  echo '{' >"${BATS_TEST_TMPDIR}/net.d/10-aws.conflist"
  conflist_finding
  "${VPCCNI_BUILD}/vpccni" conflist --template "${BATS_TEST_DIRNAME}/../../docker/10-aws.conflist" \
    --to "${BATS_TEST_TMPDIR}/net.d"
  echo '{}' >"${BATS_TEST_TMPDIR}/net.d/05-other.conflist"
  conflist_finding
  rm "${BATS_TEST_TMPDIR}/net.d/05-other.conflist"
  looking
}

@test "the agent is dead: that is found, the pods still explained, and what is broken beside it first" {
  lab agent kill a
  undo='lab agent start a'
  first VC001
  run -0 on "${v}" explain four
  [[ ${output} == *'agent          unknown'* ]]
  run -0 on "${v}" pods
  [[ ${output} == *default/four* ]]
  on ip rule del pref 512 to "$(pod_ip a one)"
  breaks one 'rule to'
  first VC010
  on ip rule add pref 512 to "$(pod_ip a one)" lookup main
  run -1 on "${v}" why
  [[ ${output} == *'does not answer'* ]]
}

@test "the module is missing: the agent's start says so" {
  lab agent stop a
  echo VPCCNI_FIPS=require >>"${VPCLAB_STATE}/node-a/agent.env"
  undo="sed -i /VPCCNI_FIPS/d ${VPCLAB_STATE}/node-a/agent.env; lab agent start a"
  lab agent start a nowait
  until_ok 15 first VC034
}

@test "IMDS is dead, and so is the start" {
  local instance
  instance=$(control GET /state | jq -r --arg at "$(on ip -4 -j addr show eth0 \
    | jq -r '.[0].addr_info[0].local')" '.instances[] | select(.address == $at) | .id')
  lab agent stop a
  control POST /imds-fault "{\"instance\":\"${instance}\",\"down\":true}"
  undo="control POST /imds-fault '{\"instance\":\"${instance}\"}'; lab agent start a"
  lab agent start a nowait
  until_ok 40 first VC002
}

@test "a pod's link is gone" {
  on ip link del "$(link_of two)"
  undo='lab pod del a two'
  breaks two 'host veth'
  first VC040
}

@test "each look is over within two seconds, also when nothing answers" {
  local instance command began
  instance=$(control GET /state | jq -r --arg at "$(on ip -4 -j addr show eth0 \
    | jq -r '.[0].addr_info[0].local')" '.instances[] | select(.address == $at) | .id')
  kill -STOP "$(<"${VPCLAB_STATE}/node-a/agent.pid")"
  control POST /imds-fault "{\"instance\":\"${instance}\",\"black_hole\":true}"
  undo="kill -CONT $(<"${VPCLAB_STATE}/node-a/agent.pid"); control POST /imds-fault '{\"instance\":\"${instance}\"}'"
  for command in doctor status 'explain one' drift; do
    began=$(date +%s%3N)
    # shellcheck disable=SC2086  # words
    run on "${v}" ${command}
    # Deadlines of 1 s and 0.3 s; the rest is room for a slow machine.
    (($(date +%s%3N) - began < 5000))
  done
}
