# shellcheck shell=bash disable=SC2154,SC2310,SC2312
# What the files of the restart matrix share (spec users.md 5, item 1): a node with live pods whose
# agent dies and comes back into a world that shows it something wrong. Nothing may be lost, nothing
# that is used may be taken away, and no address that EC2 does not have may be given to a pod.
# A file sets: block, how many addresses come and go at once; spare, how many are free beside the
# pods; keep, how many blocks without pods that is; crowd, how many pods live; card, whose blocks IMDS
# does not show, where pods have several. made_in_cluster is called before there are pods.

crowd=${crowd:-50}
most_pods=${most_pods:-110} # of both types with these settings, the smaller: above it no address is fetched
lab_program=${BATS_TEST_DIRNAME}/../../scripts/lab

# restart_setup NAME TYPE SETTING...
restart_setup() {
  local name=$1 type=$2 setting
  local -a settings=()
  shift 2
  for setting in "$@" "MINIMUM_IP_TARGET=$((crowd + spare))" WARM_IP_TARGET=1 IP_COOLDOWN_PERIOD=1; do
    settings+=(--env "a:${setting}")
  done
  lab_up "${name}" --nodes 1 --type "${type}" --lag none "${settings[@]}"
  made_in_cluster
  until_ok 40 settled_at "$((crowd + spare))"
  add_pods 1 "${crowd}"
}

made_in_cluster() { true; }

restart_teardown() {
  [[ -n ${BATS_TEST_COMPLETED:-} ]] || what_was_seen
  no_faults
  introspect a /v1/plan >/dev/null 2>&1 || lab agent start a 2>/dev/null || true
  restore_pods
}

# For whoever reads the log of a failed run.
what_was_seen() {
  (cd "${BATS_TEST_TMPDIR}" && tail -n 100 begin taken now held-now 2>/dev/null) || true
  introspect a /v1/plan || true
  introspect a /v1/pods || true
  agent_log a | tail -n 60
}

node_dir() { echo "${VPCLAB_STATE}/node-a"; }
# For the agent's next start.
set_target() {
  sed -i "s/^WARM_IP_TARGET=.*/WARM_IP_TARGET=$1/; s/^MINIMUM_IP_TARGET=.*/MINIMUM_IP_TARGET=0/" \
    "$(node_dir)/agent.env"
}

# --- what can be wrong

instance() { control GET /state | jq -r '.instances[0].id'; }
imds_fault() { # MEMBERS
  control POST /imds-fault "$(jq -nc --arg i "$(instance)" "{instance: \$i} + $1")" >/dev/null
}
# The first block with pods, of a card where only that card's count.
used_block() { awk -v card="${card:-}" 'card == "" || $5 == card {print; exit}' "${BATS_TEST_TMPDIR}/used"; }
imds_short() { imds_fault "{hidden: [\"$(used_block | cut -d' ' -f1)\"]}"; }
imds_without_eni() {
  local id
  id=$(control GET /state | jq -r '.enis[] | select(.attachment.device == 1) | .id')
  [[ -z ${card:-} ]] || id=$(used_block | cut -d' ' -f3)
  imds_fault "{hidden: [\"${id}\"]}"
}
# Somebody takes blocks without pods away, all but $1 of them.
take_idle() {
  local dir=${BATS_TEST_TMPDIR} address_or_prefix eni
  held >"${dir}/before"
  blocks used "${dir}/live" "${dir}/before" | cut -d' ' -f1 >"${dir}/used-now"
  grep -vwF -f "${dir}/used-now" "${dir}/before" | tail -n "+$(($1 + 1))" >"${dir}/taken" || true
  while read -r address_or_prefix _ eni _; do
    control POST /unassign "{\"eni\":\"${eni}\",\"blocks\":[\"${address_or_prefix}\"]}" >/dev/null
  done <"${dir}/taken"
}
take_one_more() { take_idle "$((keep == 0 ? 0 : keep - 1))" && [ -s "${BATS_TEST_TMPDIR}/taken" ]; }
nothing_else() { true; }
imds_as_now() { imds_fault '{stale: true}'; }
ec2_as_now() { control POST /fault '{"kind":"stale"}' >/dev/null; }
# Below HTTP: EC2's address refuses connections, or swallows them.
ec2_refuses() { fabric iptables -w -I INPUT -d 192.0.2.1 -p tcp -j REJECT --reject-with tcp-reset; }
kubernetes_refuses() { fabric iptables -w -I INPUT -d 192.0.2.2 -p tcp -j REJECT --reject-with tcp-reset; }
ec2_swallows() { fabric iptables -w -I INPUT -d 192.0.2.1 -p tcp -j DROP; }
fabric() { ip netns exec "${VPCLAB_NAME}-fabric" "$@"; }
no_faults() {
  control DELETE /fault >/dev/null
  imds_fault '{}'
  fabric iptables -w -F INPUT
}

# --- what everybody knows

settled_at() { # ADDRESSES
  introspect a /v1/plan | jq -e --argjson n "$1" '.running == "" and .lastError == "" and .total >= $n'
}
settled() { settled_at 0; }
quarantined() { introspect a /v1/pods | jq -r '.[] | select(.quarantined) | .address' | sort; }
quarantine_is() { diff <(sort "$1") <(quarantined); }
none_quarantined() { [ "$(quarantined)" = "" ]; }
known() { introspect a /v1/pods | jq -r '.[] | .address + " " + .containerID' | sort; }
entries() { # of all network cards
  find "$(node_dir)/run" \( -name ipam.json -o -name 'ipam-nic-*[0-9].json' \) -exec \
    jq -r '.allocations[] | .ipv4 + " " + .containerID' {} + | sort
}
# The live pods as the runtime knows them, by address: "ADDRESS SANDBOX POD".
pods() {
  jq -r '"\(.ips[].address | sub("/.*"; "")) \(input_filename)"' "$(node_dir)"/pods/*.result \
    | while read -r address file; do
      echo "${address} $(<"${file%.result}.id") $(basename "${file}" .result)"
    done
}
live() { pods | cut -d' ' -f1,2 | sort; }
# What EC2 has on this node besides primary addresses: "BLOCK DEVICE ENI ATTACHMENT CARD".
held() {
  control GET /state | jq -r '.enis[] | select(.attachment != null) | . as $e
    | (.addresses[1:][], .prefixes[])
    | "\(.) \($e.attachment.device) \($e.id) \($e.attachment.id) \($e.attachment.card)"' | sort
}
calls() { control GET /state | jq --arg a "$1" '.calls[$a] // 0'; }

# blocks VERB PODS BLOCKS: files of lines that begin with an address or a block.
#   used     blocks with pods, and how many
#   outside  addresses of pods that no block holds
blocks() {
  /usr/bin/python3 - "$@" <<'END'
import ipaddress, sys
verb, pods, blocks = sys.argv[1:]
pods = [line.split() for line in open(pods)]
blocks = [line.split() for line in open(blocks)]
inside = [(block, [pod for pod in pods if ipaddress.ip_address(pod[0]) in ipaddress.ip_network(block[0])])
          for block in blocks]
if verb == "used":
    lines = [" ".join(block) + f" {len(of)}" for block, of in inside if of]
else:
    lines = sorted({pod[0] for pod in pods} - {pod[0] for _, of in inside for pod in of})
for line in lines:
    print(line)
END
}

# --- what may never happen

# die_and_return FAULT...: kills the agent, lets things go wrong, starts it. What it held before is
# held after, and nobody told EC2 to take anything away.
die_and_return() {
  local dir=${BATS_TEST_TMPDIR} fault call began
  lab agent kill a
  live >"${dir}/live"
  diff "${dir}/live" <(entries)
  # What both lists still show must not be taken: nobody could tell.
  [[ $1 == imds_as_now || $1 == nothing_else ]] || take_idle "${keep}"
  held >"${dir}/held"
  blocks used "${dir}/live" "${dir}/held" >"${dir}/used"
  control DELETE /calls >/dev/null
  for fault in "$@"; do "${fault}"; done
  # What is free is wanted: nothing is too many.
  set_target "$(free)"
  began=${SECONDS}
  lab agent start a
  echo "# ${BATS_TEST_DESCRIPTION}: serves after $((SECONDS - began)) s" >&3
  nothing_lost
  for call in UnassignPrivateIpAddresses DetachNetworkInterface DeleteNetworkInterface; do
    [ "$(calls "${call}")" -eq 0 ]
  done
}
free() { echo $(($(held | wc -l) * block - $(live | wc -l))); }

nothing_lost() {
  local dir=${BATS_TEST_TMPDIR}
  diff "${dir}/live" <(known)
  diff "${dir}/live" <(entries)
  held >"${dir}/held-now"
  diff "${dir}/used" <(blocks used "${dir}/live" "${dir}/held-now")
  all_answer
}

# Every pod has an address that EC2 has on this node, and answers.
all_sound() {
  local dir=${BATS_TEST_TMPDIR}
  live >"${dir}/now"
  held >"${dir}/held-now"
  diff /dev/null <(blocks outside "${dir}/now" "${dir}/held-now")
  all_answer
}

# Asked from the fabric: the way through the right ENI and back is walked.
all_answer() {
  live | cut -d' ' -f1 | fabric xargs -P 8 -I{} \
    sh -c 'ping -n -c 1 -W 3 -q {} >/dev/null || { echo "no answer from {}"; exit 1; }'
}

# --- pods

add_pods() { seq "$1" "$2" | add_each; } # FROM TO
add_each() {                             # numbers on stdin
  # shellcheck disable=SC2016
  xargs -r -P 4 -I{} timeout 60 bash -c \
    'until "$0" pod add a p{} >/dev/null 2>&1; do sleep 0.3; done' "${lab_program}"
}
del_pods() { xargs -r -P 4 -n 1 "${lab_program}" pod del a; } # names on stdin
restore_pods() {
  pods | cut -d' ' -f3 | grep -vxF -f <(seq -f 'p%g' "${crowd}") | sort -u | del_pods
  seq "${crowd}" | grep -vxF -f <(pods | cut -d' ' -f3 | tr -d p) | add_each
}

# More pods while the agent compares its pool with EC2, as it does after a call that failed.
new_pods_while_it_looks() {
  local looked action more
  restore_pods
  looked=$(calls DescribeNetworkInterfaces)
  for action in AssignPrivateIpAddresses CreateNetworkInterface; do
    control POST /fault "{\"kind\":\"fail\",\"action\":\"${action}\",\"times\":1,\"code\":\"InvalidParameterValue\"}" \
      >/dev/null
  done
  more=$(free)
  echo "${crowd} pods, ${more} more and one"
  add_pods "$((crowd + 1))" "$((crowd + 1 + (more < most_pods - crowd - 1 ? more : most_pods - crowd - 1)))"
  until_ok 30 looked_since "${looked}"
  all_sound
}
looked_since() { (($(calls DescribeNetworkInterfaces) > $1)); }

# --- the cases

imds_is_short() {
  die_and_return imds_short
  none_quarantined
  new_pods_while_it_looks
}

imds_misses_an_eni() {
  die_and_return imds_without_eni
  none_quarantined
  new_pods_while_it_looks
}

imds_lists_what_was_taken() {
  die_and_return imds_as_now take_one_more
  none_quarantined
  new_pods_while_it_looks
}

# Serving, though nobody can be asked: DEL works, ADD gives what is sound or says why not.
works_without_ec2() {
  local out
  lab pod del a "$(pods | awk 'END {print $3}')"
  diff <(live) <(known)
  if ! out=$(lab pod add a "p$((crowd + 1))" 2>&1); then
    [[ ${out} == *'failed to assign an IP address to container: '[A-Z]*:* ]]
  fi
  all_sound
}

ec2_refuses_and_imds_lists_what_was_taken() {
  die_and_return imds_as_now take_one_more ec2_refuses
  none_quarantined
  works_without_ec2
  no_faults
  new_pods_while_it_looks
}

ec2_swallows_and_imds_is_short() {
  die_and_return ec2_swallows imds_short
  # Their addresses are on no list that the agent can see.
  tail -n +2 "${BATS_TEST_TMPDIR}/used" >"${BATS_TEST_TMPDIR}/shown"
  blocks outside "${BATS_TEST_TMPDIR}/live" "${BATS_TEST_TMPDIR}/shown" >"${BATS_TEST_TMPDIR}/unlisted"
  quarantine_is "${BATS_TEST_TMPDIR}/unlisted"
  works_without_ec2
  no_faults
  new_pods_while_it_looks
  until_ok 60 none_quarantined
}
# Both show a moment before the last growth.
both_are_stale() {
  local dir=${BATS_TEST_TMPDIR}
  lab agent kill a
  live >"${dir}/live"
  take_idle "${keep}"
  set_target "$(free)"
  lab agent start a
  held >"${dir}/begin"
  imds_as_now
  ec2_as_now
  add_pods 51 "$((51 + $(free)))"
  die_and_return nothing_else
  blocks outside "${dir}/live" "${dir}/begin" >"${dir}/unlisted"
  [ -s "${dir}/unlisted" ]
  quarantine_is "${dir}/unlisted"
  all_sound
  no_faults
  new_pods_while_it_looks
  until_ok 60 none_quarantined
}
