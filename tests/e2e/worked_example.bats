#!/usr/bin/env bats
# The lab's rules, routes and chains equal the worked example (two nodes, one pod on each ENI), and
# the flows and results are as described there.

load lab

setup_file() {
  # t3.nano: two ENIs with one pod address each, so that the second pod of a node is on eth1.
  lab_up vpce-example --type t3.nano --env a:AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS=192.168.0.0/16
  pod_add a pod-a
  pod_add a pod-b
  pod_add b pod-c
  pod_add b pod-d
}

teardown_file() {
  lab_down
}

eth1() { ip -n "${VPCLAB_NAME}-$1" -4 -j addr show eth1 | jq -r '.[0].addr_info[0].local'; }

# Replaces the model's addresses by those of the example.
as_example() {
  local expression='' pair
  for pair in "$(pod_ip a pod-a)=10.0.0.20" "$(pod_ip a pod-b)=10.0.1.30" \
    "$(pod_ip b pod-c)=10.0.0.21" "$(pod_ip b pod-d)=10.0.1.31" \
    "$(eth1 a)=10.0.1.10" "$(eth1 b)=10.0.1.11"; do
    # Marked, so that one replacement does not become another's input.
    expression+="s/\\b${pair%=*}\\b/@${pair#*=}/g;"
  done
  sed -E "${expression};s/@//g;s/[[:space:]]+\$//"
}

chains() {
  lab exec "$1" iptables-save | grep -v '^#' | sed -E 's/\[[0-9]+:[0-9]+\]/[0:0]/' | as_example
}

@test "node a: rules" {
  diff <(lab exec a ip rule | as_example) - <<'END'
0:	from all lookup local
512:	from all to 10.0.0.20 lookup main
512:	from all to 10.0.1.30 lookup main
1024:	from all fwmark 0x80/0x80 lookup main
1536:	from 10.0.1.30 lookup 2
32765:	from 10.0.1.10 lookup 2
32766:	from all lookup main
32767:	from all lookup default
END
}

@test "node a: routes" {
  diff <(lab exec a ip route show table main | as_example) - <<'END'
default via 10.0.0.1 dev eth0
10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.5
10.0.0.20 dev eni5e1c4d6c68c scope link
10.0.1.30 dev eni2f5353dd8c5 scope link
END
  diff <(lab exec a ip route show table 2 | as_example) - <<'END'
default via 10.0.1.1 dev eth1
10.0.1.1 dev eth1 scope link
END
}

@test "node a: chains" {
  diff <(chains a) - <<'END'
*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -i eth0 -m comment --comment "AWS, primary ENI" -m addrtype --dst-type LOCAL --limit-iface-in -j CONNMARK --set-xmark 0x80/0x80
-A PREROUTING -i eni+ -m comment --comment "AWS, primary ENI" -j CONNMARK --restore-mark --nfmask 0x80 --ctmask 0x80
-A PREROUTING -i vlan+ -m comment --comment "AWS, primary ENI" -j CONNMARK --restore-mark --nfmask 0x80 --ctmask 0x80
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:AWS-CONNMARK-CHAIN-0 - [0:0]
:AWS-SNAT-CHAIN-0 - [0:0]
-A PREROUTING -i eni+ -m comment --comment "AWS, outbound connections" -j AWS-CONNMARK-CHAIN-0
-A PREROUTING -m comment --comment "AWS, CONNMARK" -j CONNMARK --restore-mark --nfmask 0x80 --ctmask 0x80
-A POSTROUTING -m comment --comment "AWS SNAT CHAIN" -j AWS-SNAT-CHAIN-0
-A AWS-CONNMARK-CHAIN-0 -d 192.168.0.0/16 -m comment --comment "AWS CONNMARK CHAIN, EXCLUDED CIDR" -j RETURN
-A AWS-CONNMARK-CHAIN-0 -d 10.0.0.0/16 -m comment --comment "AWS CONNMARK CHAIN, VPC CIDR" -j RETURN
-A AWS-CONNMARK-CHAIN-0 -m comment --comment "AWS, CONNMARK" -j CONNMARK --set-xmark 0x80/0x80
-A AWS-SNAT-CHAIN-0 -d 192.168.0.0/16 -m comment --comment "AWS SNAT CHAIN EXCLUSION" -j RETURN
-A AWS-SNAT-CHAIN-0 -d 10.0.0.0/16 -m comment --comment "AWS SNAT CHAIN" -j RETURN
-A AWS-SNAT-CHAIN-0 ! -o vlan+ -m comment --comment "AWS, SNAT" -m addrtype ! --dst-type LOCAL -j SNAT --to-source 10.0.0.5 --random-fully
COMMIT
END
}

@test "node b: rules, routes, and no excluded CIDR" {
  diff <(lab exec b ip rule | as_example) - <<'END'
0:	from all lookup local
512:	from all to 10.0.0.21 lookup main
512:	from all to 10.0.1.31 lookup main
1024:	from all fwmark 0x80/0x80 lookup main
1536:	from 10.0.1.31 lookup 2
32765:	from 10.0.1.11 lookup 2
32766:	from all lookup main
32767:	from all lookup default
END
  diff <(lab exec b ip route | as_example) - <<'END'
default via 10.0.0.1 dev eth0
10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.6
10.0.0.21 dev eni3754a2f57f6 scope link
10.0.1.31 dev enid6b219bf875 scope link
END
  [[ "$(chains b)" == *"--to-source 10.0.0.6 --random-fully"* ]]
  [[ "$(chains b)" != *192.168* ]]
}

@test "inside the pods" {
  local pod address mac
  for pod in a:pod-a:eni5e1c4d6c68c a:pod-b:eni2f5353dd8c5; do
    IFS=: read -r node name veth <<<"${pod}"
    diff <(lab pod exec "${node}" "${name}" ip route | sed -E 's/[[:space:]]+$//') - <<'END'
default via 169.254.1.1 dev eth0
169.254.1.1 dev eth0 scope link
END
    address=$(lab pod exec "${node}" "${name}" ip -4 -j addr show eth0 | jq -r '.[0].addr_info[0] | "\(.local)/\(.prefixlen)"')
    [ "${address}" = "$(pod_ip "${node}" "${name}")/32" ]
    mac=$(ip -n "${VPCLAB_NAME}-${node}" -j link show "${veth}" | jq -r '.[0].address')
    run lab pod exec "${node}" "${name}" ip neigh show 169.254.1.1
    [[ "${output}" == "169.254.1.1 dev eth0 lladdr ${mac} PERMANENT"* ]]
    [ "$(lab pod exec "${node}" "${name}" ip rule | wc -l)" -eq 3 ]
    [ "$(lab pod exec "${node}" "${name}" cat /sys/class/net/eth0/mtu 2>/dev/null || ip -n "${VPCLAB_NAME}-${node}-${name}" -j link show eth0 | jq '.[0].mtu')" -eq 9001 ]
  done
}

@test "the result of ADD, in each version's form" {
  diff <(jq -S . "${VPCLAB_STATE}/node-a/pods/pod-b.result" | as_example) <(
    jq -S . <<END
{"cniVersion": "1.0.0",
 "interfaces": [
   {"name": "eni2f5353dd8c5"},
   {"name": "eth0", "mac": "2", "sandbox": "/run/netns/${VPCLAB_NAME}-a-pod-b"},
   {"name": "dummy2f5353dd8c5", "mac": "0", "sandbox": "1"}],
 "ips": [{"interface": 1, "address": "10.0.1.30/32"}]}
END
  )
  # The same ADD again is the same answer, and in 0.4.0 the same address.
  local id
  id=$(<"${VPCLAB_STATE}/node-a/pods/pod-a.id")
  run plugin ADD a pod-a "${id}" '{"cniVersion":"0.4.0","name":"aws-cni","type":"aws-cni"}'
  [ "${status}" -eq 0 ]
  diff <(as_example <<<"${output}" | jq -c .) - <<END
{"cniVersion":"0.4.0","interfaces":[{"name":"eni5e1c4d6c68c"},{"name":"eth0","mac":"254","sandbox":"/run/netns/${VPCLAB_NAME}-a-pod-a"},{"name":"dummy5e1c4d6c68c","mac":"0","sandbox":"0"}],"ips":[{"version":"4","interface":1,"address":"10.0.0.20/32"}],"dns":{}}
END
  pings a pod-a 10.0.0.6
}

@test "flows: every pod to every pod, nodes, the internet; sources are right" {
  local from to
  for from in a:pod-a a:pod-b b:pod-c b:pod-d; do
    for to in a:pod-a a:pod-b b:pod-c b:pod-d; do
      pings "${from%:*}" "${from#*:}" "$(pod_ip "${to%:*}" "${to#*:}")"
    done
    pings "${from%:*}" "${from#*:}" 10.0.0.5
    pings "${from%:*}" "${from#*:}" 10.0.0.6
    pings "${from%:*}" "${from#*:}" 198.51.100.9
  done
  lab exec a ping -n -c 1 -W 3 -q "$(pod_ip b pod-d)"
  lab exec b ping -n -c 1 -W 3 -q "$(eth1 a)"
  [ "$(lab pod exec a pod-b curl -sS --max-time 5 http://198.51.100.9:8080/)" = 10.0.0.5 ]
  [ "$(lab pod exec b pod-c curl -sS --max-time 5 http://198.51.100.9:8080/)" = 10.0.0.6 ]
}

@test "the fabric is strict: without rule 1024 a pod on eth1 does not reach the internet" {
  lab agent stop a # it would put the rule back
  lab exec a ip rule del pref 1024
  run pings a pod-b 198.51.100.9
  lab agent start a
  [ "${status}" -ne 0 ]
  pings a pod-b 198.51.100.9
}

@test "clients that we did not write: the AWS CLI on a node, credentials from IMDS" {
  run lab exec a /usr/bin/aws --endpoint-url http://192.0.2.1 ec2 describe-network-interfaces --no-cli-pager --output json
  [ "${status}" -eq 0 ]
  [ "$(jq '.NetworkInterfaces | length' <<<"${output}")" -ge 4 ]
  [ "$(jq -r '[.NetworkInterfaces[] | select(.Attachment.DeviceIndex == 1) | .Attachment.DeleteOnTermination] | all' <<<"${output}")" = true ]
}

@test "DEL takes the pod's objects and nothing else; again it succeeds" {
  local address id
  address=$(pod_ip a pod-b)
  id=$(<"${VPCLAB_STATE}/node-a/pods/pod-b.id")
  lab pod del a pod-b
  diff <(lab exec a ip rule | as_example_without_b) - <<'END'
0:	from all lookup local
512:	from all to 10.0.0.20 lookup main
1024:	from all fwmark 0x80/0x80 lookup main
32765:	from 10.0.1.10 lookup 2
32766:	from all lookup main
32767:	from all lookup default
END
  [[ "$(lab exec a ip route show table all)" != *"${address} "* ]]
  NETNS='' run plugin DEL a pod-b "${id}"
  [ "${status}" -eq 0 ]
  [ -z "${output}" ]
}

as_example_without_b() {
  sed -E "s/\\b$(pod_ip a pod-a)\\b/@10.0.0.20/g;s/\\b$(eth1 a)\\b/@10.0.1.10/g;s/@//g;s/[[:space:]]+\$//"
}
