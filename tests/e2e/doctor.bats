#!/usr/bin/env bats
# explain, doctor, status, pods and why on a node of the lab: faults are injected one by one, and the
# first finding names them. The agent does not heal here, so that faults stay.
# Release build only: nothing here is new to the agent, and each fault waits for a healthy node

load lab

bats_require_minimum_version 1.5.0

setup_file() {
  lab_up vpce-doctor --nodes 2 --type t3.small --env a:VPCCNI_DATAPLANE_RECONCILE=false \
    --env a:IP_COOLDOWN_PERIOD=5 --env b:WARM_ENI_TARGET=0
  # The fourth is on the second ENI.
  local pod
  for pod in one two three four; do
    pod_add a "${pod}"
  done
  until_ok 30 healthy
}

teardown_file() { lab_down; }

setup() {
  v="${VPCCNI_BUILD}/vpccni"
  undo=:
}

teardown() {
  eval "${undo}" >/dev/null 2>&1
  control DELETE /fault >/dev/null
  until_ok 30 healthy
}

healthy() { lab exec a "${VPCCNI_BUILD}/vpccni" doctor; }
on() { lab exec a "$@"; }
link_of() { on "${v}" pods --json | jq -er --arg pod "$1" '.pods[] | select(.name == $pod) | .link'; }
run_dir() { echo "${VPCLAB_STATE}/node-a/run"; }

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

@test "usage, and pods that are none" {
  local command
  for command in explain doctor status pods why eni ip drift bundle config checkpoint capacity; do
    run -2 "${v}" "${command}" --no-such
    [[ ${output} == usage:* ]]
  done
  run -1 on "${v}" explain nobody
  [[ ${output} == *'vpccni pods lists them'* ]]
  run -0 "${v}" doctor --list
  ((${#lines[@]} >= 25))
}

@test "config, checkpoint, capacity" {
  run -0 env -i ENABLE_IPv4=true WARM_IP_TARGET=5 "${v}" config show
  [[ ${output} == *WARM_IP_TARGET*' 5 '*environment* ]]
  run -0 env -i ENABLE_IPv4=true "${v}" config validate
  run -1 env -i ENABLE_IPv4=true WARM_IP_TARGET=x AWS_VPC_K8S_CNI_VETHPREFIX=vlan "${v}" config validate
  [[ ${output} == *'ignored  WARM_IP_TARGET'* && ${output} == *'refused  AWS_VPC_K8S_CNI_VETHPREFIX'* ]]
  env -i AWS_SECRET_ACCESS_KEY=hush "${v}" config show --json >"${BATS_TEST_TMPDIR}/config"
  run ! grep -q hush "${BATS_TEST_TMPDIR}/config"
  run -0 on "${v}" checkpoint show
  [[ ${output} == *default/four*$(pod_ip a four)* ]]
  run -0 on "${v}" checkpoint verify
  jq -c '.allocations += [.allocations[0]]' "$(run_dir)/ipam.json" >"${BATS_TEST_TMPDIR}/double"
  run -1 "${v}" checkpoint verify "${BATS_TEST_TMPDIR}/double"
  run -1 "${v}" checkpoint verify /nowhere
  run -0 "${v}" capacity --type m5.xlarge --json
  jq -e '.modes[0].pods == 58 and .modes[1].pods == 44' <<<"${output}"
  run -0 on "${v}" capacity
  [[ ${output} == t3.small:* ]]
  run -1 "${v}" capacity --type m0.none
}

@test "drift: none, then by the agent's death none, then by each side" {
  run -0 on "${v}" drift
  [[ ${output} == *'4 addresses of pods, and all views that were seen agree'* ]]
  run -0 on "${v}" drift --all --json
  jq -e '.rows | length == 4 and all(.agent == "yes" and .checkpoint == "yes" and .kernel == "yes"
    and .ec2 == "yes" and (.differs | not))' <<<"${output}"
  local link
  link=$(link_of one)
  on ip route del "$(pod_ip a one)"
  undo="on ip route add $(pod_ip a one) dev ${link} scope link"
  run -1 on "${v}" drift
  [[ ${output} == *"$(pod_ip a one)"*default/one*yes*yes*no* ]]
}

@test "status --watch looks again; colour is for terminals, and not with NO_COLOR" {
  run on timeout 5 "${v}" status --watch
  (($(grep -c '^agent     answers' <<<"${output}") >= 2))
  [[ ${output} != *$'\033'* ]]
  on script -qec "${v} doctor" /dev/null >"${BATS_TEST_TMPDIR}/tty"
  grep -q $'\033\\[32mnote' "${BATS_TEST_TMPDIR}/tty"
  on env NO_COLOR=1 script -qec "${v} doctor" /dev/null >"${BATS_TEST_TMPDIR}/plain"
  run ! grep -q $'\033' "${BATS_TEST_TMPDIR}/plain"
}

@test "bundle: an archive without secrets, with the agent dead too" {
  local file="${BATS_TEST_TMPDIR}/bundle.tar.gz"
  run -0 on env AWS_SECRET_ACCESS_KEY=hush-hush "${v}" bundle --out "${file}"
  [ "$(stat -c %a "${file}")" = 600 ]
  (($(stat -c %s "${file}") < 15728640))
  tar -xzf "${file}" -C "${BATS_TEST_TMPDIR}"
  cd "${BATS_TEST_TMPDIR}/vpccni-bundle" || return 1
  grep -q 'rule to: ok' pods.txt
  grep -q "to $(pod_ip a one)" kernel.txt
  grep -q 'AWS-SNAT-CHAIN-0' iptables.txt
  jq -e .because plan.json
  jq -e '.allocations | length == 4' checkpoint.json
  run ! grep -r hush-hush .
  lab agent kill a
  undo='lab agent start a'
  run -0 on "${v}" bundle --out "${file}" --no-logs
  tar -xzOf "${file}" vpccni-bundle/sources.txt | grep -q 'agent: .*refused\|agent: .*Failed to connect'
  run -1 on "${v}" bundle --out /nowhere/x
}

@test "eni list" {
  run -0 on "${v}" eni list
  ((${#lines[@]} >= 3))
  [[ ${output} == *eth0*main*primary* && ${output} == *eth1* ]]
  run -0 on "${v}" eni list --json
  jq -e '[.enis[] | select(.primary)] | length == 1' <<<"${output}"
  jq -e '([.enis[].pods] | add) == 4' <<<"${output}"
}

leaked() { control GET /state | jq -e --arg id "$1" '.enis | any(.id == $id)' >/dev/null; }

@test "eni gc: what dead nodes left goes, and only when told to; what is young or others' stays" {
  local subnet old young foreign
  subnet=$(control GET /state | jq -r '.subnets[0].id')
  make_eni() { # DESCRIPTION CREATED-AT
    on aws --endpoint-url http://192.0.2.1 ec2 create-network-interface --subnet-id "${subnet}" \
      --description "$1" --tag-specifications "ResourceType=network-interface,Tags=[{Key=node.k8s.amazonaws.com/instance_id,Value=i-dead},{Key=node.k8s.amazonaws.com/createdAt,Value=$2},{Key=cluster.k8s.amazonaws.com/name,Value=lab}]" \
      | jq -r .NetworkInterface.NetworkInterfaceId
  }
  old=$(make_eni aws-K8S-i-dead 2026-01-01T00:00:00Z)
  young=$(make_eni aws-K8S-i-dead "$(date -u +%Y-%m-%dT%H:%M:%SZ)")
  foreign=$(make_eni mine 2026-01-01T00:00:00Z)
  run -0 on "${v}" eni gc
  [[ ${output} == *"${old}"*'would be removed'* && ${output} == *'--yes'* ]]
  leaked "${old}"
  run -0 on "${v}" eni gc --yes --json
  jq -e --arg id "${old}" '.enis | map(select(.removed)) | length == 1 and .[0].id == $id' <<<"${output}"
  run ! leaked "${old}"
  leaked "${young}"
  leaked "${foreign}"
  control POST /fault '{"kind":"deny","action":"DeleteNetworkInterface"}'
  old=$(make_eni aws-K8S-i-dead 2026-01-01T00:00:00Z)
  run -1 on "${v}" eni gc --yes
  [[ ${output} == *ec2:DeleteNetworkInterface* ]]
  control DELETE /fault
  run -0 on "${v}" eni gc --yes
}

@test "ip list: pods, free, cooling, primaries" {
  run -0 on "${v}" ip list --json
  jq -e --arg four "$(pod_ip a four)" '
    ([.addresses[] | select(.state == "pod")] | length == 4) and
    (.addresses | any(.address == $four and .pod == "default/four")) and
    (.addresses | any(.state == "primary")) and (.addresses | any(.state == "free"))' <<<"${output}"
  run -0 on "${v}" ip list
  [[ ${lines[0]} == ADDRESS* ]]
}

# example NAME ARGUMENT...: of examples/, with our program in its PATH.
example() {
  local name=$1
  shift
  on env "PATH=${BATS_TEST_TMPDIR}/path:${PATH}" "${BATS_TEST_DIRNAME}/../../examples/${name}" "$@"
}

@test "the examples" {
  mkdir "${BATS_TEST_TMPDIR}/path"
  ln -s "${v}" "${BATS_TEST_TMPDIR}/path/vpccni"
  run -1 example drain-check
  [[ ${output} == *"default/four $(pod_ip a four)"* ]]
  run -0 example exhaustion-triage
  [[ ${output} == *'Failed ADDs by reason:'* && ${output} == *t3.small* ]]
  run -0 example prefix-rollout
  [[ ${output} == *prefixes* && ${output} == *'ENABLE_PREFIX_DELEGATION=false'* ]]
  run -1 example prefix-rollout t2.small
  [[ ${output} == *'has no prefixes'* ]]
  # Without a module there is evidence of that.
  run -1 example fips-evidence "${BATS_TEST_TMPDIR}/evidence"
  (cd "${BATS_TEST_TMPDIR}/evidence" && sha256sum -c --quiet SHA256SUMS)
  jq -e '.result == "fail"' "${BATS_TEST_TMPDIR}/evidence/report.json"
}

@test "the rule to a pod" {
  on ip rule del pref 512 to "$(pod_ip a one)"
  undo="on ip rule add pref 512 to $(pod_ip a one) lookup main"
  breaks one 'rule to'
  first VC010
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
