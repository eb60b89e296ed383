#!/usr/bin/env bats
# The restart matrix with an address of each of two network cards for every pod: on each card two ENIs
# of 3. What is the same code as on one card is in restart_secondary.bats.
# Release build only: its minutes are waits; with sanitizers the simulation goes through the same restarts

load lab
export block=1 spare=2 keep=99 crowd=4 card=1
load restart

made_in_cluster() { # the pods' annotation
  seq -f "$(node_dir)/pods/p%g.multi" 6 | xargs touch
}

# Limits that need no EC2: else a start without it serves the cards of an assumed type, which has one.
setup_file() {
  local limits=${BATS_FILE_TMPDIR}/limits.json
  echo '{"duo.test": {"e":2,"i":4,"d":0,"c":[[0,2],[1,2]],"h":"nitro","b":false}}' >"${limits}"
  restart_setup vpce-multi duo.test ENABLE_MULTI_NIC=true WARM_ENI_TARGET=0 "VPCCNI_INSTANCE_LIMITS_FILE=${limits}"
}

setup() {
  restore_pods
  [ "$(live | wc -l)" -eq $((2 * crowd)) ]
}

teardown() {
  restart_teardown
}

teardown_file() {
  lab_down
}

card_1() { echo "$(node_dir)/run/ipam-nic-1.json"; }
lose_card_1() { rm "$(card_1)"; }
spoil_card_1() { echo '{"version": "vpc-cni-ipam/1", "allocations": [' >"$(card_1)"; }

# Both cards are filled to the last address.
fills_up() {
  until_ok 30 settled
  add_pods 5 6
  all_sound
  [ "$(live | cut -d' ' -f1 | sort -u | wc -l)" -eq 12 ]
  diff <(live | cut -d' ' -f1) <(known | cut -d' ' -f1)
  diff <(live | cut -d' ' -f1) <(entries | cut -d' ' -f1)
}

# As nothing_lost, but the pods of card 1 have no names: only the kernel knew them.
addresses_known() {
  local dir=${BATS_TEST_TMPDIR}
  diff <(cut -d' ' -f1 "${dir}/live") <(known | cut -d' ' -f1)
  diff <(cut -d' ' -f1 "${dir}/live") <(entries | cut -d' ' -f1)
  held >"${dir}/held-now"
  diff "${dir}/used" <(blocks used "${dir}/live" "${dir}/held-now")
  all_answer
}

# restarts_with FAULT...
restarts_with() {
  local dir=${BATS_TEST_TMPDIR} fault
  lab agent kill a
  live >"${dir}/live"
  held >"${dir}/held"
  blocks used "${dir}/live" "${dir}/held" >"${dir}/used"
  for fault in "$@"; do "${fault}"; done
  lab agent start a
  addresses_known
}

# Each DEL finds both addresses, that of card 1 by its link.
pods_come_and_go() {
  printf 'p%s\n' 1 2 | del_pods
  diff <(live | cut -d' ' -f1) <(known | cut -d' ' -f1)
  add_pods 1 2
  fills_up
}

@test "IMDS is short by one address of card 1" {
  die_and_return imds_short
  none_quarantined
  fills_up
}

@test "IMDS misses an ENI of card 1" {
  die_and_return imds_without_eni
  none_quarantined
  fills_up
}

@test "EC2 refuses connections, IMDS misses an ENI of card 1" {
  die_and_return imds_without_eni ec2_refuses
  awk '$5 == 1' "${BATS_TEST_TMPDIR}/used" | grep -wF "$(used_block | cut -d' ' -f3)" | cut -d' ' -f1 \
    >"${BATS_TEST_TMPDIR}/unlisted"
  quarantine_is "${BATS_TEST_TMPDIR}/unlisted"
  no_faults
  until_ok 60 none_quarantined
  fills_up
}

@test "card 1's checkpoint is lost" {
  restarts_with lose_card_1
  none_quarantined
  pods_come_and_go
}

@test "card 1's checkpoint is unreadable" {
  restarts_with spoil_card_1
  none_quarantined
  compgen -G "$(card_1).unusable-*"
  agent_says a 'live pods are taken from the kernel'
  pods_come_and_go
}

# Nobody but the kernel knows those addresses, nor on which card they are.
@test "card 1's checkpoint is lost, EC2 refuses connections, IMDS misses an ENI of card 1" {
  restarts_with lose_card_1 imds_without_eni ec2_refuses
  [ "$(quarantined | wc -l)" -ge 1 ]
  no_faults
  until_ok 60 none_quarantined
  pods_come_and_go
}

# Both checkpoints hold them now, card 0's from when nobody could tell better.
@test "the same twice, and the second time everybody answers" {
  restarts_with lose_card_1 imds_without_eni ec2_refuses
  lab agent kill a
  no_faults
  lab agent start a
  until_ok 60 none_quarantined
  addresses_known
  pods_come_and_go
}

gc() { # as the runtime whose list is empty
  lab exec a env CNI_COMMAND=GC CNI_PATH=/ "${VPCLAB_STATE}/bin/aws-cni" <<<'{"cniVersion": "1.1.0",
    "name": "aws-cni", "type": "aws-cni", "cni.dev/valid-attachments": [], "vpccniChecks": "true"}'
}
older() { # for the plugin; the agent writes the files anew with the next change
  sed -i 's/"allocationTimestamp":[0-9]*/"allocationTimestamp":1/g' "$(node_dir)/run/ipam.json" "$(card_1)"
}
unplug() { lab exec a ip link del "$(lab exec a ip route show "$1" | awk '{print $3}')"; } # ADDRESS
addresses_of() { pods | awk -v pod="$1" '$3 == pod {print $1}'; }
gone() { # ADDRESS...: no pod has them
  local address
  for address in "$@"; do ! known | grep -q "^${address} " || return 1; done
}

release_queue() { find "$(node_dir)/run/release-queue" -type f 2>/dev/null; }

@test "GC: a pod goes with its addresses of both cards, and only when nothing of it is there" {
  local first second third
  until_ok 30 settled
  # Card 0 gives its last two; what comes then has only an address of card 1.
  rm "$(node_dir)"/pods/p{5,6}.multi
  add_pods 5 6
  add_pods 7 7
  third=$(pod_ip a p7)
  held | grep -q "^${third}/32 .* 1$\|^${third} .* 1$"
  read -r first second < <(addresses_of p1 | xargs)
  older
  unplug "${first}"
  gc
  [ -z "$(release_queue)" ]
  known | grep -q "^${second} "
  unplug "${second}"
  unplug "${third}"
  gc
  until_ok 20 gone "${first}" "${second}" "${third}"
  [ "$(known | wc -l)" -eq $((2 * (crowd - 1) + 2)) ]
  seq -f 'p%g' 5 7 | del_pods
  echo p1 | del_pods
}
