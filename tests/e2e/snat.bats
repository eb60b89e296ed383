#!/usr/bin/env bats
# Where pods' packets go and whose they seem to be, with each setting of the node's rules; that no
# packet is lost or seen with a wrong source while the rules change; and that upstream's rules are
# taken over as they stand and can be taken back.

load lab

setup_file() {
  # t3.nano: two ENIs with one pod address each, so that the second pod of a node is on eth1.
  lab_up vpce-snat --type t3.nano
  pod_add a first
  pod_add a second
  pod_add b third
  pod_add b fourth
  # The far side answers whoever it sees.
  ip -n "${VPCLAB_NAME}-internet" route add 10.0.0.0/16 dev eth0
}

teardown_file() {
  lab_down
}

teardown() {
  stop_all
}

# settings VAR=VALUE...: node a's agent with these.
settings() {
  printf '%s\n' "$@" >"${VPCLAB_STATE}/node-a/agent.env"
  lab agent restart a
}

seen_as() { lab pod exec a "$1" curl -sS --max-time 5 http://198.51.100.9:8080/; } # POD
outside_sees() {                                                                   # FIRST SECOND
  [ "$(seen_as first)" = "$1" ]
  [ "$(seen_as second)" = "$2" ]
}
internet() { ip netns exec "${VPCLAB_NAME}-internet" "$@"; }

# In the background, until the end of the test: `stop_all` ends exactly these.
start() {
  "$@" &
  echo $! >>"${BATS_TEST_TMPDIR}/started"
}
stop_all() {
  [[ ! -s ${BATS_TEST_TMPDIR}/started ]] || xargs kill <"${BATS_TEST_TMPDIR}/started" 2>/dev/null || true
  rm -f "${BATS_TEST_TMPDIR}/started"
}

# Through which of the node's links a pod's packets to the internet go.
way_of() { # POD
  local -A before=()
  local link
  for link in eth0 eth1; do before[${link}]=$(sent "${link}"); done
  lab pod exec a "$1" ping -n -c 20 -i 0.01 -W 3 -q 198.51.100.9 >/dev/null
  for link in eth0 eth1; do
    ((before[${link}] + 20 > $(sent "${link}"))) || echo "${link}"
  done
}
sent() { ip -n "${VPCLAB_NAME}-a" -s -j link show "$1" | jq '.[0].stats64.tx.packets'; }

@test "SNAT as it comes: the node's address, through the primary ENI" {
  outside_sees 10.0.0.5 10.0.0.5
  [ "$(way_of second)" = eth0 ]
}

@test "external SNAT: each pod's own address, through its own ENI" {
  settings AWS_VPC_K8S_CNI_EXTERNALSNAT=true
  outside_sees "$(pod_ip a first)" "$(pod_ip a second)"
  [ "$(way_of second)" = eth1 ]
}

@test "an excluded CIDR: the pod's own address" {
  settings AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS=198.51.100.0/24
  outside_sees "$(pod_ip a first)" "$(pod_ip a second)"
  [ "$(way_of second)" = eth1 ]
  settings AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS=203.0.113.0/24
  outside_sees 10.0.0.5 10.0.0.5
}

sets() { lab exec a ipset -n list; }
returns() { lab exec a iptables-save -t nat | grep -c -- '-j RETURN'; }

@test "VPCCNI_SNAT_IPSET: the blocks in one set, with the same sources outside" {
  settings VPCCNI_SNAT_IPSET=true AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS=198.51.100.0/24,192.0.2.0/24
  [ "$(sets)" = vpccni-exempt ]
  [ "$(returns)" -eq 2 ]
  outside_sees "$(pod_ip a first)" "$(pod_ip a second)"
  [ "$(way_of second)" = eth1 ]
  pings a first "$(pod_ip b third)"
  lab exec a ipset flush vpccni-exempt # somebody: it comes back with the look at the chains
  until_ok 45 lab exec a ipset test vpccni-exempt 198.51.100.9
  settings VPCCNI_SNAT_IPSET=true
  outside_sees 10.0.0.5 10.0.0.5
  settings VPCCNI_SNAT_IPSET=false
  [ -z "$(sets)" ]
  outside_sees 10.0.0.5 10.0.0.5
}

@test "everything excluded stays excluded, however often the agent starts" {
  settings AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS=0.0.0.0/0
  for _ in 1 2; do
    outside_sees "$(pod_ip a first)" "$(pod_ip a second)"
    lab agent restart a
  done
}

@test "an external service's CIDR has its rule, and goes through the primary ENI" {
  settings AWS_VPC_K8S_CNI_EXTERNALSNAT=true AWS_EXTERNAL_SERVICE_CIDRS=198.51.100.0/24
  lab exec a ip rule | grep -qx '1535:.from all to 198.51.100.0/24 lookup main'
  settings AWS_EXTERNAL_SERVICE_CIDRS=198.51.100.0/24
  outside_sees 10.0.0.5 10.0.0.5
  [ "$(way_of second)" = eth0 ]
  settings A=b
  run lab exec a ip rule
  [[ ${output} != *1535:* ]]
}

@test "each way to choose ports, another mark and another veth prefix" {
  local choice
  for choice in none hashrandom prng; do
    settings "AWS_VPC_K8S_CNI_RANDOMIZESNAT=${choice}"
    outside_sees 10.0.0.5 10.0.0.5
    [ "$(lab exec a iptables-save -t nat | grep -c -e '--to-source')" -eq 1 ]
  done
  settings AWS_VPC_K8S_CNI_CONNMARK=0x100
  outside_sees 10.0.0.5 10.0.0.5
  [ "$(lab exec a iptables-save | grep -c 0x80)" -eq 0 ]
  settings A=b
  outside_sees 10.0.0.5 10.0.0.5
}

# What kube-proxy writes for a node port whose pod is here.
node_port() { # APPEND|DELETE ADDRESS
  lab exec a sh -ec "iptables -t nat $1 PREROUTING -m addrtype --dst-type LOCAL -p tcp --dport 30080 -j DNAT --to $2:8000
    iptables -t nat $1 POSTROUTING -s $2 -d $2 -j MASQUERADE"
}
asks() { timeout 8 curl -sS --max-time 3 -o /dev/null http://10.0.0.5:30080/; }

@test "a node port: the answers of a pod on a secondary ENI leave where the question came in" {
  local second
  second=$(pod_ip a second)
  settings A=b
  node_port -A "${second}"
  start ip netns exec "${VPCLAB_NAME}-a-second" /usr/bin/python3 -m http.server -d /var/empty 8000 >/dev/null 2>&1
  until_ok 10 lab pod exec a second curl -sS -o /dev/null "http://${second}:8000/"
  internet bash -c "$(declare -f asks); asks"
  lab exec b curl -sS --max-time 3 -o /dev/null http://10.0.0.5:30080/
  local pod
  for pod in a:first a:second b:third b:fourth; do # the second one: by the node to itself
    lab pod exec "${pod%:*}" "${pod#*:}" curl -sS --max-time 3 -o /dev/null http://10.0.0.5:30080/
  done
  # Both of what the setting is for: the mark, and rule 1024.
  settings AWS_VPC_CNI_NODE_PORT_SUPPORT=false AWS_VPC_K8S_CNI_EXTERNALSNAT=true
  run internet bash -c "$(declare -f asks); asks"
  node_port -D "${second}"
  [ "${status}" -ne 0 ]
}

@test "large packets that may not be divided pass everywhere" {
  local from to
  for from in first second; do
    for to in "$(pod_ip a first)" "$(pod_ip a second)" "$(pod_ip b third)" "$(pod_ip b fourth)" 10.0.0.5 10.0.0.6; do
      lab pod exec a "${from}" ping -n -c 2 -i 0.1 -W 3 -q -M "do" -s 8973 "${to}"
    done
  done
}

# Every 10 ms a new connection; says who was seen how often.
# shellcheck disable=SC2016
many_connections() { # POD FILE
  ip netns exec "${VPCLAB_NAME}-a-$1" /usr/bin/python3 -c '
import collections, signal, sys, time, urllib.request
seen, going = collections.Counter(), True
def stop(*_):
    global going
    going = False
signal.signal(signal.SIGTERM, stop)
open(sys.argv[1] + ".begun", "w").close()
while going:
    try:
        seen[urllib.request.urlopen("http://198.51.100.9:8080/", timeout=10).read().decode()] += 1
    except OSError as error:
        seen["lost: " + str(error)] += 1
    time.sleep(0.01)
with open(sys.argv[1], "w") as file:
    print(*(f"{who} {count}" for who, count in sorted(seen.items())), sep="\n", file=file)
' "$2"
}

# under_load COMMAND...: both pods open connections all the while; each arrived as the node's.
under_load() {
  local pod
  rm -f "${BATS_TEST_TMPDIR}"/seen-*
  for pod in first second; do start many_connections "${pod}" "${BATS_TEST_TMPDIR}/seen-${pod}"; done
  for pod in first second; do until_ok 10 test -e "${BATS_TEST_TMPDIR}/seen-${pod}.begun"; done
  "$@"
  stop_python
  for pod in first second; do
    until_ok 15 test -s "${BATS_TEST_TMPDIR}/seen-${pod}"
    cat "${BATS_TEST_TMPDIR}/seen-${pod}"
    [ "$(cut -d' ' -f1 "${BATS_TEST_TMPDIR}/seen-${pod}")" = 10.0.0.5 ]
    [ "$(cut -d' ' -f2 "${BATS_TEST_TMPDIR}/seen-${pod}")" -ge 10 ]
  done
  rm -f "${BATS_TEST_TMPDIR}/started"
}
stop_python() {
  local pod
  for pod in first second; do
    ip netns pids "${VPCLAB_NAME}-a-${pod}" | xargs -r kill -TERM
  done
}

rewrites() {
  local i
  for i in 1 2 3; do
    settings "AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS=203.0.113.0/24,10.$((20 + i)).0.0/16" \
      AWS_VPC_K8S_CNI_RANDOMIZESNAT=none
    settings "AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS=192.168.${i}.0/24"
  done
}

@test "rules are rewritten under load: nothing lost, no wrong source" {
  settings A=b
  under_load rewrites
}

# What upstream v1.21.1 leaves (spec dataplane.md 9.1), made by its own kind of calls.
upstream_rules() {
  # shellcheck disable=SC2016  # for the inner shell
  lab exec a sh -ec '
nat="iptables -t nat" pre="iptables -t mangle -A PREROUTING -m comment --comment"
$nat -N AWS-SNAT-CHAIN-0
$nat -A POSTROUTING -m comment --comment "AWS SNAT CHAIN" -j AWS-SNAT-CHAIN-0
$nat -I AWS-SNAT-CHAIN-0 1 -d 10.0.0.0/16 -m comment --comment "AWS SNAT CHAIN" -j RETURN
$nat -A AWS-SNAT-CHAIN-0 ! -o vlan+ -m comment --comment "AWS, SNAT" -m addrtype ! --dst-type LOCAL \
  -j SNAT --to-source 10.0.0.5 --random-fully
$pre "AWS, primary ENI" -i eth0 -m addrtype --dst-type LOCAL --limit-iface-in -j CONNMARK --set-mark 0x80/0x80
$pre "AWS, primary ENI" -i eni+ -j CONNMARK --restore-mark --mask 0x80
$pre "AWS, primary ENI" -i vlan+ -j CONNMARK --restore-mark --mask 0x80
$nat -N AWS-CONNMARK-CHAIN-0
$nat -A PREROUTING -i eni+ -m comment --comment "AWS, outbound connections" -j AWS-CONNMARK-CHAIN-0
$nat -I AWS-CONNMARK-CHAIN-0 1 -d 10.0.0.0/16 -m comment --comment "AWS CONNMARK CHAIN, VPC CIDR" -j RETURN
$nat -A PREROUTING -m comment --comment "AWS, CONNMARK" -j CONNMARK --restore-mark --mask 0x80
$nat -A AWS-CONNMARK-CHAIN-0 -m comment --comment "AWS, CONNMARK" -j CONNMARK --set-xmark 0x80/0x80'
}
saved() { lab exec a iptables-save "$@" | grep -v '^#'; }
without_counters() { sed -E 's/\[[0-9]+:[0-9]+\]//'; }

@test "upstream's rules are taken over as they stand, under load" {
  settings A=b
  lab agent stop a
  lab exec a sh -ec 'iptables -t nat -F; iptables -t nat -X; iptables -t mangle -F'
  upstream_rules
  saved | without_counters >"${BATS_TEST_TMPDIR}/upstream"
  lab exec a ip rule >"${BATS_TEST_TMPDIR}/rules"
  # A rule that is replaced counts from zero.
  under_load lab agent start a
  diff "${BATS_TEST_TMPDIR}/upstream" <(saved | without_counters)
  diff "${BATS_TEST_TMPDIR}/rules" <(lab exec a ip rule)
  saved -c -t nat >"${BATS_TEST_TMPDIR}/counted"
  [ "$(grep -c '^\[[1-9][0-9]*:' "${BATS_TEST_TMPDIR}/counted")" -ge 4 ]
}

# Upstream finds a rule by `iptables -C` and takes it away by `iptables -D`.
@test "what is left behind upstream's calls find and clean" {
  lab agent stop a
  local left
  # shellcheck disable=SC2016
  left=$(declare -f upstream_rules | sed -E 's/ -A / -D /; s/ -I (AWS[^ ]*) 1 / -D \1 /; s/-N AWS-[A-Z0-9-]+/-L -n >\/dev\/null/;
    s/^upstream_rules/take_back/; s/-t mangle -A/-t mangle -D/')
  eval "${left}"
  take_back
  run saved
  [[ ${output} != *'-A '*AWS* ]]
  lab agent start a
  until_ok 30 outside_sees 10.0.0.5 10.0.0.5
}

@test "a new CIDR of the VPC is its inside, without a restart" {
  [ "$(seen_as second)" = 10.0.0.5 ]
  control POST /vpc-cidr "$(control GET /state | jq -c '{vpc: .instances[0].vpc, cidr: "198.51.0.0/16"}')"
  until_ok 60 test_inside
}
test_inside() { [ "$(seen_as second)" = "$(pod_ip a second)" ]; }

@test "the connections of a deleted pod are forgotten" {
  local second
  second=$(pod_ip a second)
  seen_as second
  tracked() { [ "$(lab exec a conntrack -L 2>/dev/null | grep -c -F "=${second} ")" -gt 0 ]; }
  tracked
  lab pod del a second
  until_ok 10 not tracked
}
not() { ! "$@"; }
