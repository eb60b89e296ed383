#!/usr/bin/env bats
# Somebody removes what is ours in the kernel, again and again and under traffic: it comes back in
# time, nothing foreign is touched, and who fights is named. HEAL_DELETIONS=200 is the long run.

load lab

setup_file() {
  # t3.nano: two ENIs with one pod address each, so that the second pod of a node is on eth1.
  lab_up vpce-heal --nodes 1 --type t3.nano --env a:AWS_EXTERNAL_SERVICE_CIDRS=203.0.113.0/24
  pod_add a first
  pod_add a second
  # Of others: it stays as it is.
  lab exec a sh -ec '
    ip rule add from 10.9.9.9 to 10.8.8.8 lookup 77 pref 1536; ip rule add pref 512 lookup 78
    ip rule add fwmark 0x7/0xf lookup main pref 1024; ip route add 192.0.2.200 dev eth0
    ip route add 192.0.2.201 dev eth1 table 2; iptables -t nat -N KUBE-X
    iptables -t nat -A POSTROUTING -m comment --comment foreign -j KUBE-X'
  ours >"${BATS_FILE_TMPDIR}/ours"
}

teardown_file() {
  lab_down
}

# All rules, routes and addresses, foreign ones too: what has to be there in the end.
ours() {
  lab exec a sh -c 'ip rule | sort; ip -4 route show table main; ip -4 route show table 2
    ip -4 -o addr | sed "s/ *valid_lft.*//"; ip -o link | sed -E "s/^[0-9]+: //; s/@.*<.*[<,]UP[,>].* mtu/ UP mtu/; s/ (qdisc|state) .*//"' \
    | sed -E 's/ *(linkdown)? *$//' | sort
}
chains() { lab exec a iptables-save | grep -v '^[#:]' | sort; }
is_whole() { diff "${BATS_FILE_TMPDIR}/ours" <(ours); }
repairs() { # OBJECT...
  local all
  all=$(lab exec a curl -sS --max-time 5 http://127.0.0.1:61678/metrics)
  awk -v wanted=" $* " '/^vpccni_dataplane_repairs_total/ {
    split($1, part, "\""); if (wanted == "  " || index(wanted, " " part[2] " ")) sum += $2 } END {print sum + 0}' <<<"${all}"
}

# One of our objects, at random; says how.
removals() {
  local first second link_first link_second
  first=$(pod_ip a first) second=$(pod_ip a second)
  link_first=$(lab exec a ip -4 -o route show "${first}" | awk '{print $3}')
  link_second=$(lab exec a ip -4 -o route show "${second}" | awk '{print $3}')
  cat <<END
ip rule del to ${first} pref 512
ip rule del to ${second} pref 512
ip rule del from ${second} pref 1536
ip rule del fwmark 0x80/0x80 pref 1024
ip rule del to 203.0.113.0/24 pref 1535
ip rule del pref 32765
ip route del ${first} dev ${link_first}
ip route del ${second} dev ${link_second}
ip route replace ${second} dev eth0
ip route del default table 2
ip link set ${link_first} down
ip link set eth1 mtu 1500
END
}

@test "each kind of object comes back" {
  local how began took slowest=0
  while read -r how; do
    # shellcheck disable=SC2086
    lab exec a ${how}
    began=${EPOCHREALTIME/./}
    until_ok 10 is_whole
    took=$(((${EPOCHREALTIME/./} - began) / 1000))
    slowest=$((took > slowest ? took : slowest))
    echo "put back in ${took} ms: ${how}"
  done < <(removals)
  echo "# the slowest took ${slowest} ms, with the looking" >&3
  pings a first 198.51.100.9
  pings a second 198.51.100.9
}

@test "what went while no agent ran comes back with the next" {
  lab agent stop a
  lab exec a ip rule del to "$(pod_ip a first)" pref 512
  lab agent start a
  until_ok 10 is_whole
}

@test "random removals under traffic: all put back, nothing foreign touched, no storm" {
  local deletions=${HEAL_DELETIONS:-24} before i how
  mapfile -t how < <(removals)
  before=$(repairs)
  lab pod exec a second ping -n -i 0.1 -q 198.51.100.9 >"${BATS_TEST_TMPDIR}/ping" 3>&- &
  local ping=$!
  for ((i = 0; i < deletions; i++)); do
    # Not the same again and again: that would be a fight.
    # shellcheck disable=SC2086
    lab exec a ${how[$((i % ${#how[@]}))]} || true
    sleep "0.$((RANDOM % 10))"
    ((i % 60 != 59)) || sleep 2
  done
  until_ok 10 is_whole
  ip netns pids "${VPCLAB_NAME}-a-second" | xargs -r kill -INT # ping says what it lost
  wait "${ping}" || true
  cat "${BATS_TEST_TMPDIR}/ping"
  echo "# ${deletions} removals, $(($(repairs) - before)) repairs; $(grep -o '[0-9]* packets.*loss' "${BATS_TEST_TMPDIR}/ping")" >&3
  # One removal may take a link's routes with it.
  (($(repairs) - before <= deletions * 2))
  pings a second 198.51.100.9
}

@test "chains that somebody flushed come back" {
  chains >"${BATS_TEST_TMPDIR}/chains"
  lab exec a sh -ec 'iptables -t nat -F AWS-SNAT-CHAIN-0; iptables -t mangle -F PREROUTING
    iptables -t nat -D PREROUTING -m comment --comment "AWS, CONNMARK" -j CONNMARK --restore-mark --mask 0x80'
  chains_whole() { diff "${BATS_TEST_TMPDIR}/chains" <(chains); }
  until_ok 60 chains_whole
  [ "$(repairs chain)" -ge 1 ]
}

fight_is_told() { agent_says a 'again and again' | grep -qF 'fwmark 0x80'; }

@test "who removes the same again and again is told, and not fought for ever" {
  local i before
  before=$(repairs)
  for ((i = 0; i < 100; i++)); do
    lab exec a ip rule del fwmark 0x80/0x80 pref 1024 2>/dev/null || true
    if fight_is_told; then break; fi
    sleep 0.3
  done
  fight_is_told
  lab exec a ip rule del fwmark 0x80/0x80 pref 1024 2>/dev/null || true
  sleep 3
  run lab exec a ip rule
  [[ ${output} != *0x80/0x80* ]]
  (($(repairs) - before < 30))
}

@test "told not to, it leaves everything as it is" {
  lab exec a ip rule add fwmark 0x80/0x80 lookup main pref 1024
  echo VPCCNI_DATAPLANE_RECONCILE=false >>"${VPCLAB_STATE}/node-a/agent.env"
  lab agent restart a
  lab exec a ip rule del fwmark 0x80/0x80 pref 1024
  sleep 3
  run lab exec a ip rule
  [[ ${output} != *0x80/0x80* ]]
}

# CONFIG: more keys of the network configuration.
check_pod() {
  local pods=${VPCLAB_STATE}/node-a/pods
  plugin CHECK a second "$(<"${pods}/second.id")" "$(jq -cn --argjson prev "$(<"${pods}/second.result")" \
    '{cniVersion: "1.0.0", name: "aws-cni", type: "aws-cni", prevResult: $prev} + '"$1")"
}

# Healing is off since the test before.
@test "CHECK names what a pod misses, when the configuration tells it to look" {
  local second link back faults
  second=$(pod_ip a second)
  link=$(lab exec a ip -4 -o route show "${second}" | awk '{print $3}')
  check_pod '{vpccniChecks: "true"}'
  while IFS=: read -r faults how back; do
    lab exec a sh -ec "${how}"
    run check_pod '{vpccniChecks: true}'
    lab exec a sh -ec "${back}"
    [ "${status}" -eq 1 ]
    [[ $(jq -r .msg <<<"${output}") == "check cmd: missing: "*"${faults}"* ]]
    check_pod '{vpccniChecks: true}'
  done <<END
rule from all to ${second}:ip rule del to ${second} pref 512:ip rule add to ${second} lookup main pref 512
rule from ${second}:ip rule del from ${second} pref 1536:ip rule add from ${second} lookup 2 pref 1536
route to ${second}:ip route del ${second} dev ${link}:ip route add ${second} dev ${link} scope link
link ${link} up:ip link set ${link} down:ip link set ${link} up; ip route add ${second} dev ${link} scope link
END
  lab pod exec a second ip addr flush dev eth0
  run check_pod '{vpccniChecks: true}'
  [[ $(jq -r .msg <<<"${output}") == *"address ${second} of the pod"* ]]
  check_pod '{}'
}

@test "STATUS says whether pods can have addresses, when told to look" {
  status_is() { plugin STATUS a second x '{"cniVersion":"1.1.0","name":"aws-cni","type":"aws-cni","vpccniChecks":"true"}'; }
  status_is
  lab agent stop a
  run status_is
  [ "${status}" -eq 1 ]
  [ "$(jq .code <<<"${output}")" -eq 50 ]
  plugin STATUS a second x '{"cniVersion":"1.1.0","name":"aws-cni","type":"aws-cni"}'
}
