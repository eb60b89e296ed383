# shellcheck shell=bash disable=SC2154,SC2310,SC2312,SC2034
# Faults of a node, as a table: what breaks it, what mends it, which finding of the doctor must come
# first, and which hop of explain must be the first broken one ("" where no pod's way is cut). Used by
# faults.bats, with the agent alive and dead; a dead agent goes before what only warns.

# fault NAME RULE HOP POD WHEN: WHEN is "both", "alive" or "dead".
table=()
fault() { table+=("$1|$2|$3|$4|$5"); }

pod_rule() { on ip rule "$1" pref "$2" "$3" "$4" "${@:5}"; }
sysctl_is() { on sysctl -qw "$@"; }
instance_of_a() {
  control GET /state | jq -r --arg at "$(on ip -4 -j addr show eth0 | jq -r '.[0].addr_info[0].local')" \
    '.instances[] | select(.address == $at) | .id'
}
imds_says() { control POST /imds-fault "{\"instance\":\"$(instance_of_a)\"${1:+,$1}}" >/dev/null; }
ec2() { on aws --endpoint-url http://192.0.2.1 ec2 "$@"; }
subnets_full() { # true|false
  local subnet
  for subnet in $(control GET /state | jq -r '.subnets[].id'); do
    control POST /subnet-fault "{\"subnet\":\"${subnet}\",\"full\":$1}" >/dev/null
  done
}
drop_chains() { # TABLE CHAIN: its rules are gone, with a copy of the table
  on iptables-save -t "$1" >"${BATS_TEST_TMPDIR}/iptables"
  on iptables -t "$1" -F "$2"
}
bring_chains() { on iptables-restore -T "$1" "${BATS_TEST_TMPDIR}/iptables"; }

fault rule-to VC010 'rule to' one both
break_rule_to() { pod_rule del 512 to "$(pod_ip a one)"; }
mend_rule_to() { pod_rule add 512 to "$(pod_ip a one)" lookup main; }

fault rule-from VC010 'rule from' four both
break_rule_from() { pod_rule del 1536 from "$(pod_ip a four)"; }
mend_rule_from() { pod_rule add 1536 from "$(pod_ip a four)" lookup 2; }

fault wrong-table VC010 'rule from' four both
break_wrong_table() {
  pod_rule add 1536 from "$(pod_ip a four)" lookup 77
  pod_rule del 1536 from "$(pod_ip a four)" lookup 2
}
mend_wrong_table() {
  pod_rule add 1536 from "$(pod_ip a four)" lookup 2
  pod_rule del 1536 from "$(pod_ip a four)" lookup 77
}

fault mark-rule VC010 'rule mark' one both
break_mark_rule() { on ip rule del pref 1024; }
mend_mark_rule() { on ip rule add pref 1024 fwmark 0x80/0x80 lookup main; }

fault stale-neighbour VC014 'pod neighbour' two both
break_stale_neighbour() {
  link=$(link_of two)
  mac=$(on ip -j link show "${link}" | jq -r '.[0].address')
  on ip link set "${link}" address 06:11:22:33:44:55
}
mend_stale_neighbour() { on ip link set "${link}" address "${mac}"; }

fault pod-route VC011 'route to' one both
break_pod_route() {
  link=$(link_of one)
  on ip route del "$(pod_ip a one)"
}
mend_pod_route() { on ip route add "$(pod_ip a one)" dev "${link}" scope link; }

fault pod-link-down VC008 'host veth up' two both
break_pod_link_down() {
  link=$(link_of two)
  on ip link set "${link}" down
}
mend_pod_link_down() {
  on ip link set "${link}" up
  on ip route replace "$(pod_ip a two)" dev "${link}" scope link
}

fault snat-jump VC019 chains one both
break_snat_jump() { drop_chains nat POSTROUTING; }
mend_snat_jump() { bring_chains nat; }

fault snat-chain VC019 chains one both
break_snat_chain() { drop_chains nat AWS-SNAT-CHAIN-0; }
mend_snat_chain() { bring_chains nat; }

fault node-port-marks VC019 chains one both
break_node_port_marks() { drop_chains mangle PREROUTING; }
mend_node_port_marks() { bring_chains mangle; }

fault strict-rp-filter VC015 rp_filter one both
break_strict_rp_filter() { sysctl_is net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.eth0.rp_filter=1; }
mend_strict_rp_filter() { sysctl_is net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth0.rp_filter=2; }

fault no-forwarding VC017 ip_forward one both
break_no_forwarding() { sysctl_is net.ipv4.ip_forward=0; }
mend_no_forwarding() { sysctl_is net.ipv4.ip_forward=1; }

fault eni-table VC008 'ENI table' four both
break_eni_table() {
  on ip route show table 2 >"${BATS_TEST_TMPDIR}/table"
  on ip route flush table 2
}
mend_eni_table() {
  # What is on the link comes before what goes through it.
  sort "${BATS_TEST_TMPDIR}/table" | while read -r route; do
    # shellcheck disable=SC2086  # words
    on ip route add ${route} table 2
  done
}

fault eni-link-down VC008 'ENI link' four both
break_eni_link_down() {
  on ip route show table 2 >"${BATS_TEST_TMPDIR}/table"
  on ip link set eth1 down
}
mend_eni_link_down() {
  on ip link set eth1 up
  mend_eni_table
}

fault address-twice VC006 '' one both
break_address_twice() { lab pod exec a two ip addr add "$(pod_ip a one)/32" dev eth0; }
mend_address_twice() { lab pod exec a two ip addr del "$(pod_ip a one)/32" dev eth0; }

fault nm-cloud-setup VC013 '' one both
break_nm_cloud_setup() { on ip rule add pref 30400 from "$(pod_ip a one)" lookup 30400; }
mend_nm_cloud_setup() { on ip rule del pref 30400; }

fault two-iptables VC018 '' one both
break_two_iptables() { on iptables-legacy -t nat -N KUBE-SERVICES; }
mend_two_iptables() { on iptables-legacy -t nat -X KUBE-SERVICES; }

fault networkd VC012 '' one alive
break_networkd() {
  mkdir -p "${root}/run/systemd/netif"
  : >"${root}/run/systemd/netif/state"
}
mend_networkd() { rm -r "${root:?}/run"; }

fault wrong-clock VC028 '' one both
break_wrong_clock() { imds_says '"clock_behind_ms":600000'; }
mend_wrong_clock() { imds_says; }

fault address-gone VC007 ENI three both
break_address_gone() {
  eni=$(on "${v}" pods --json | jq -er '.pods[] | select(.name == "three") | .eni')
  ec2 unassign-private-ip-addresses --network-interface-id "${eni}" --private-ip-addresses "$(pod_ip a three)"
}
mend_address_gone() {
  ec2 assign-private-ip-addresses --network-interface-id "${eni}" --private-ip-addresses "$(pod_ip a three)"
}

fault subnet-full VC024 '' one both
break_subnet_full() { subnets_full true; }
mend_subnet_full() { subnets_full false; }

fault throttled VC027 '' one both
break_throttled() { control POST /fault '{"kind":"throttle","action":"DescribeNetworkInterfaces"}' >/dev/null; }
mend_throttled() { control DELETE /fault >/dev/null; }

fault denied VC026 '' one both
break_denied() { control POST /fault '{"kind":"deny","action":"DescribeNetworkInterfaces"}' >/dev/null; }
mend_denied() { control DELETE /fault >/dev/null; }

fault eni-config-missing VC041 '' one both
break_eni_config_missing() { asks_with AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG=true; }
mend_eni_config_missing() { asks_with; }

fault api-proxy VC036 '' one alive
break_api_proxy() { asks_with HTTPS_PROXY=http://192.0.2.77:3128 CLUSTER_ENDPOINT=https://192.0.2.88; }
mend_api_proxy() { asks_with; }

fault checkpoint-entry VC005 checkpoint '' alive
break_checkpoint_entry() {
  cp "$(run_dir)/ipam.json" "${BATS_TEST_TMPDIR}/ipam.json"
  broken_pod=$(jq -r '.allocations[0].metadata.k8sPodName' "${BATS_TEST_TMPDIR}/ipam.json")
  jq -c 'del(.allocations[0])' "${BATS_TEST_TMPDIR}/ipam.json" >"$(run_dir)/ipam.json"
}
mend_checkpoint_entry() { cp "${BATS_TEST_TMPDIR}/ipam.json" "$(run_dir)/ipam.json"; }

fault checkpoint-entry-dead VC005 '' '' dead
break_checkpoint_entry_dead() { break_checkpoint_entry; }
mend_checkpoint_entry_dead() { mend_checkpoint_entry; }

fault checkpoint-none VC004 checkpoint one alive
break_checkpoint_none() {
  cp "$(run_dir)/ipam.json" "${BATS_TEST_TMPDIR}/ipam.json"
  echo '{' >"$(run_dir)/ipam.json"
}
mend_checkpoint_none() { mend_checkpoint_entry; }

fault conflist-broken VC030 '' one both
break_conflist_broken() {
  mkdir -p "${root}/net.d"
  echo '{' >"${root}/net.d/10-aws.conflist"
}
mend_conflist_broken() { rm -r "${root:?}/net.d"; }

fault conflist-second VC030 '' one both
break_conflist_second() {
  mkdir -p "${root}/net.d"
  "${VPCCNI_BUILD}/vpccni" conflist --template "${BATS_TEST_DIRNAME}/../../docker/10-aws.conflist" --to "${root}/net.d"
  echo '{}' >"${root}/net.d/05-other.conflist"
}
mend_conflist_second() { rm -r "${root:?}/net.d"; }

fault other-mtu VC033 '' one alive
break_other_mtu() {
  mkdir -p "${root}/net.d"
  "${VPCCNI_BUILD}/vpccni" conflist --template "${BATS_TEST_DIRNAME}/../../docker/10-aws.conflist" --to "${root}/net.d"
  link=$(link_of one)
  on ip link set "${link}" mtu 1400
}
mend_other_mtu() {
  on ip link set "${link}" mtu 9001
  rm -r "${root:?}/net.d"
}

fault other-plugin VC031 '' one alive
break_other_plugin() {
  mkdir -p "${root}/bin"
  cp /bin/true "${root}/bin/aws-cni"
}
mend_other_plugin() { rm -r "${root:?}/bin"; }

fault agent-dead VC001 '' '' dead
break_agent_dead() { :; } # it is
mend_agent_dead() { :; }

fault pod-link-gone VC040 'host veth' two both
break_pod_link_gone() { on ip link del "$(link_of two)"; }
mend_pod_link_gone() { :; } # the last one: the pod stays broken
