#!/usr/bin/env bats
# The commands that show a node, and the examples made of them, on a node of the lab.
# Release build only: nothing here is new to the agent
# shellcheck disable=SC2034,SC2154  # node.bash reads undo and sets v

load lab
load node

bats_require_minimum_version 1.5.0

setup_file() { node_up vpce-node 1; }
teardown_file() { lab_down; }
setup() { node_setup; }
teardown() { node_mended; }

# make_eni DESCRIPTION CREATED-AT: as a node that is no more left it; its id.
make_eni() {
  on aws --endpoint-url http://192.0.2.1 ec2 create-network-interface \
    --subnet-id "$(control GET /state | jq -r '.subnets[0].id')" \
    --description "$1" --tag-specifications "ResourceType=network-interface,Tags=[{Key=node.k8s.amazonaws.com/instance_id,Value=i-dead},{Key=node.k8s.amazonaws.com/createdAt,Value=$2},{Key=cluster.k8s.amazonaws.com/name,Value=lab}]" \
    | jq -r .NetworkInterface.NetworkInterfaceId
}
second_eni() { control GET /state | jq -r '.enis[] | select(.attachment.device == 1) | .id'; }

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

# terminal COMMAND: what it shows on a terminal of 80 columns and 24 lines, without colours.
terminal() {
  on env NO_COLOR=1 TERM=xterm script -qec "stty cols 80 rows 24; $1" /dev/null 3>&- </dev/null | tr -d '\r'
}

@test "on a terminal lines are as wide as that, and names are whole; piped they are as wide as they get" {
  local id
  run -0 on env COLUMNS=80 "${v}" eni list
  (($(wc -L <<<"${output}") > 80))
  terminal "${v} eni list" >"${BATS_TEST_TMPDIR}/enis"
  (($(LC_ALL=C.UTF-8 wc -L <"${BATS_TEST_TMPDIR}/enis") <= 80))
  for id in $(on "${v}" eni list --json | jq -r '.enis[] | .id, .subnet'); do
    grep -qw -- "${id}" "${BATS_TEST_TMPDIR}/enis"
  done
  on ip rule del pref 512 to "$(pod_ip a one)"
  undo="on ip rule add pref 512 to $(pod_ip a one) lookup main"
  terminal "${v} status" >"${BATS_TEST_TMPDIR}/status"
  grep -q '^VC010 .*…$' "${BATS_TEST_TMPDIR}/status"
  (($(LC_ALL=C.UTF-8 wc -L <"${BATS_TEST_TMPDIR}/status") <= 80))
  terminal "stty rows 10; ${v} status" >"${BATS_TEST_TMPDIR}/low"
  (($(wc -l <"${BATS_TEST_TMPDIR}/low") <= 10))
  grep -q ' more: vpccni eni list$' "${BATS_TEST_TMPDIR}/low"
  grep -q '^VC010 ' "${BATS_TEST_TMPDIR}/low"
}

@test "status --watch draws the screen anew in place, and ends with 130 when interrupted" {
  run -130 on env TERM=xterm script -qec "stty cols 80 rows 24; timeout --foreground --preserve-status -s INT 5 ${v} status --watch" /dev/null </dev/null
  (($(grep -c $'\033\\[2J' <<<"${output}") == 1))
  (($(grep -c $'\033\\[H' <<<"${output}") >= 2))
  [[ ${output} == *$'\033[K'* && ${output} == *$'\033[J'* ]]
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
  tar -xzOf "${file}" vpccni-bundle/checkpoint.json | jq -e '.allocations | length == 4'
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

@test "each JSON document is what its schema says, on a node in order, with faults, and without its agent" {
  local docs="${BATS_TEST_TMPDIR}/docs" double="${BATS_TEST_TMPDIR}/double" multi
  mkdir "${docs}"
  document() { # NAME COMMAND...: what it prints, whatever it finds
    local file="${docs}/$1.json"
    shift
    on "${v}" "$@" --json >"${file}" || [ -s "${file}" ]
  }
  undo="lab agent start a; ip netns del ${VPCLAB_NAME}-many; on ip rule add pref 512 to $(pod_ip a one) lookup main"
  document version version
  document help help
  document help-environment help environment
  document config-show config show
  document config-validate config validate
  document capacity capacity
  document fips-check fips-check
  document fips-check.one fips-check --only selftest.run
  document startup startup
  document checkpoint-show checkpoint show
  jq -c '.allocations += [.allocations[0]]' "$(run_dir)/ipam.json" >"${double}"
  document checkpoint-verify checkpoint verify "${double}"
  document eni-list eni list
  document ip-list ip list
  document change ip assign "$(second_eni)"
  document change.refused ip unassign "$(pod_ip a four)" --yes
  make_eni aws-K8S-i-dead 2026-01-01T00:00:00Z
  document eni-gc eni gc
  on "${v}" eni gc --yes
  # An ADD that is refused at once.
  multi='{"cniVersion":"1.0.0","name":"aws-cni","type":"aws-cni","runtimeConfig":{"io.kubernetes.cri.pod-annotations":{"k8s.amazonaws.com/nicConfig":"multi-nic-attachment"}}}'
  ip netns add "${VPCLAB_NAME}-many"
  NETNS=/run/netns/${VPCLAB_NAME}-many run plugin ADD a many aaaabbbbcccc "${multi}"
  ip netns del "${VPCLAB_NAME}-many"
  [ "${status}" -ne 0 ]
  document why why
  document drift drift --all
  document explain explain four
  document pods pods
  on ip rule del pref 512 to "$(pod_ip a one)"
  document status status
  document doctor doctor
  document explain.broken explain one
  document drift-repair drift --repair
  lab agent kill a
  document status.dead status
  document doctor.dead doctor
  document pods.dead pods
  document ip-list.dead ip list
  document explain.dead explain one
  document drift.dead drift --all
  document startup.dead startup
  python3 "${BATS_TEST_DIRNAME}/json_schema.py" --all "${docs}"
}

leaked() { control GET /state | jq -e --arg id "$1" '.enis | any(.id == $id)' >/dev/null; }

@test "eni gc: what dead nodes left goes, and only when told to; what is young or others' stays" {
  local old young foreign
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
  [[ ${output} == *'allow ec2:DeleteNetworkInterface to the role'* ]]
  control DELETE /fault
  control POST /fault '{"kind":"deny","action":"DescribeNetworkInterfaces"}'
  run -1 on "${v}" eni gc
  [[ ${output} == *'allow ec2:DescribeNetworkInterfaces to the role'* ]]
  control DELETE /fault
  run -0 on "${v}" eni gc --yes
}

@test "ip assign and unassign: told first, done with --yes; never what a pod has, never beside the agent" {
  local eni free
  eni=$(second_eni)
  run -0 on "${v}" ip assign "${eni}"
  [[ ${output} == would:* ]]
  run -1 on "${v}" ip assign eni-0nothere
  [[ ${output} == *'not attached'* ]]
  run -1 on "${v}" ip unassign "$(pod_ip a four)" --yes
  [[ ${output} == refused:*default/four* ]]
  free=$(on "${v}" ip list --json | jq -r '[.addresses[] | select(.state == "free")][0].address')
  run -1 on "${v}" ip unassign "${free}" --yes
  [[ ${output} == *'the agent runs'* ]]

  undo='lab agent start a'
  lab agent stop a
  run -1 on "${v}" ip unassign "$(pod_ip a four)" --yes
  [[ ${output} == refused:*default/four* ]]
  run -0 on "${v}" ip unassign "${free}"
  [[ ${output} == would:* && ${output} == *'--yes'* ]]
  control POST /fault '{"kind":"deny","action":"UnassignPrivateIpAddresses"}'
  run -1 on "${v}" ip unassign "${free}" --yes
  [[ ${output} == *'allow ec2:UnassignPrivateIpAddresses to the role'* ]]
  control DELETE /fault
  run -0 on "${v}" ip unassign "${free}" --yes --json
  jq -e '.changes[0].state == "done"' <<<"${output}"
  run -0 on "${v}" ip unassign "${free}" --yes
  [[ ${output} == already:* ]]
  run -0 on "${v}" ip assign "${eni}" --yes
  [[ ${output} == done:*10.0.* ]]
  run -2 on "${v}" ip unassign 10.0.0.0/24
}

@test "drift --repair: rules and routes come back, with the agent dead too, and only what is missing" {
  local before
  run -0 on "${v}" drift --repair
  [[ ${output} == *'as they should be'* ]]
  undo='lab agent start a'
  lab agent stop a
  before=$(on ip rule | sort)
  on ip rule del pref 512 to "$(pod_ip a one)"
  on ip rule del pref 1536 from "$(pod_ip a four)"
  on ip route del "$(pod_ip a two)"
  run -0 on "${v}" drift --repair --json
  jq -e '.repairs | length == 3 and all(.repaired)' <<<"${output}"
  diff <(on ip rule | sort) <(echo "${before}")
  pings a one "$(pod_ip a two)"
  run -0 on "${v}" drift --repair
  [[ ${output} == *'as they should be'* ]]
}

@test "eni attach and detach: what pods use stays, what nobody uses goes and comes" {
  local used idle
  used=$(second_eni)
  idle=$(control GET /state | jq -r '.enis[] | select(.attachment.device == 2) | .id')
  [ -n "${idle}" ]
  run -1 on "${v}" eni detach "${idle}" --yes
  [[ ${output} == refused:*'the agent runs'* ]]
  undo='lab agent start a'
  lab agent stop a
  run -1 on "${v}" eni detach "${used}" --yes
  [[ ${output} == refused:*default/four* ]]
  run -0 on "${v}" eni detach "${idle}"
  [[ ${output} == would:* ]]
  run -0 --separate-stderr on "${v}" eni detach "${idle}" --yes
  [[ ${output} == done:* && -z ${stderr} ]]
  run -0 on "${v}" eni detach "${idle}" --yes
  [[ ${output} == *already:* ]]
  control POST /fault '{"kind":"deny","action":"AttachNetworkInterface"}'
  run -1 on "${v}" eni attach "${idle}" --yes
  [[ ${output} == *'allow ec2:AttachNetworkInterface to the role'* ]]
  control DELETE /fault
  terminal "${v} eni attach ${idle} --yes" >"${BATS_TEST_TMPDIR}/attach"
  grep -q "waiting until ${idle} is attached, 0 s \.\.\." "${BATS_TEST_TMPDIR}/attach"
  grep -q 'done: .*device' "${BATS_TEST_TMPDIR}/attach"
  run -0 on "${v}" eni attach "${idle}" --yes
  [[ ${output} == *already:* ]]
  run -1 on "${v}" eni attach eni-0nothere
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
