#!/usr/bin/env bats
# explain and doctor on a node of the lab, beside the table of faults.bats: what needs a second node,
# another start of the agent, or a fault that the doctor mends by itself.
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

@test "--fix: what the node can mend by itself is told first, then done, and nothing else" {
  local root=${BATS_TEST_TMPDIR}/root drop_in=etc/systemd/networkd.conf.d/90-vpccni.conf
  mkdir -p "${root}/run/systemd/netif"
  : >"${root}/run/systemd/netif/state"
  on ip rule del pref 512 to "$(pod_ip a one)"
  on ip route del "$(pod_ip a two)"
  on sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.eth0.rp_filter=1 net.ipv4.ip_forward=0
  on iptables-save -t nat >"${BATS_TEST_TMPDIR}/nat"
  on iptables -t nat -F AWS-SNAT-CHAIN-0
  undo="on iptables-restore -T nat ${BATS_TEST_TMPDIR}/nat; on sysctl -qw net.ipv4.conf.all.rp_filter=0"
  run -0 on "${v}" doctor --fix --dry-run --node-root "${root}"
  [[ ${output} == *"would put back rule from all to $(pod_ip a one)"* && ${output} == *'VC019  not by this command'* ]]
  breaks one 'rule to'
  run -0 on "${v}" doctor --fix VC012 --node-root "${root}"
  grep -qx ManageForeignRoutingPolicyRules=no "${root}/${drop_in}"
  breaks one 'rule to'
  run -0 on "${v}" doctor --fix --node-root "${root}"
  run -1 on "${v}" doctor --node-root "${root}" --json
  jq -e '[.findings[] | select(.severity == "fail") | .id] == ["VC019"]' <<<"${output}"
  run -1 on "${v}" doctor --fix VC019
  run -2 on "${v}" doctor --fix VC999
  run -2 on "${v}" doctor --dry-run
}

# The first finding on node b, which cannot grow.
first_on_b() { lab exec b "${v}" doctor --json | jq -e --arg id "$1" '.findings[0].id == $id'; }

@test "--iam: what the role may not do, as a statement; nothing is done by it" {
  local before
  before=$(control GET /state | jq '[.enis[] | {id, status}]')
  run -0 on "${v}" doctor --iam
  [[ ${output} == *'the role may use all 14 actions'* ]]
  control POST /fault '{"kind":"deny","action":"CreateNetworkInterface"}'
  control POST /fault '{"kind":"deny","action":"CreateTags"}'
  run -1 on "${v}" doctor --iam
  [[ ${lines[0]} == VC026* && ${lines[1]} == *'may not ec2:CreateNetworkInterface, ec2:CreateTags'* ]]
  sed -n '/^{/,$p' <<<"${output}" | jq -e '.Effect == "Allow" and .Action == ["ec2:CreateNetworkInterface", "ec2:CreateTags"]'
  run -1 on "${v}" doctor --iam --json
  jq -e '[.permissions[] | select(.allowed == false) | .action] == ["ec2:CreateNetworkInterface", "ec2:CreateTags"]' <<<"${output}"
  [ "$(control GET /state | jq '[.enis[] | {id, status}]')" = "${before}" ]
}

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
  until_ok 40 first VC037
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
