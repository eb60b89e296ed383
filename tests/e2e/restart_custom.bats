#!/usr/bin/env bats
# The restart matrix with custom networking: two ENIs of 9 in the ENIConfig's subnet. What is the same
# code as without it is in restart_secondary.bats.
# Release build only: its minutes are waits; with sanitizers the simulation goes through the same restarts

load lab
export block=1 spare=2 keep=2 crowd=12 most_pods=18
load restart

eni_configs=/apis/crd.k8s.amazonaws.com/v1alpha1/eniconfigs

made_in_cluster() {
  kube POST "${eni_configs}" "{\"metadata\": {\"name\": \"default\"}, \"spec\": {\"subnet\": \"$(subnet 1)\"}}"
}
kube() { # METHOD PATH BODY
  lab exec a curl -sS --fail-with-body --max-time 10 -X "$1" "http://192.0.2.2$2" \
    -H 'Content-Type: application/merge-patch+json' --data-binary "$3" >/dev/null
}
subnet() { control GET /state | jq -r ".subnets[$1].id"; }
all_in() { # NETWORK
  [ "$(live | grep -cv "^$1")" -eq 0 ]
}

setup_file() {
  restart_setup vpce-custom m5.large AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG=true WARM_ENI_TARGET=0
}

teardown() {
  restart_teardown
}

teardown_file() {
  lab_down
}

@test "IMDS misses an ENI" {
  imds_misses_an_eni
  all_in 10.0.1.
}

@test "EC2 refuses connections, IMDS lists an address that was taken away" {
  ec2_refuses_and_imds_lists_what_was_taken
}

# With custom networking no agent starts without the API server, as upstream. Pods work, and DEL needs
# no agent.
@test "the Kubernetes API refuses connections" {
  local dir=${BATS_TEST_TMPDIR}
  lab agent kill a
  kubernetes_refuses
  lab agent start a nowait
  until_ok 20 agent_says a 'the API server is needed for the start'
  live >"${dir}/live"
  all_answer
  echo p1 | del_pods
  live >"${dir}/live"
  held >"${dir}/held"
  blocks used "${dir}/live" "${dir}/held" >"${dir}/used"
  no_faults
  lab agent start a
  until_ok 30 serves_only_live
  nothing_lost
  add_pods 1 1
  all_in 10.0.1.
}
serves_only_live() { diff "${BATS_TEST_TMPDIR}/live" <(known); }

@test "the ENIConfig names another subnet: ENIs of the old one stay with their pods, new ones are there" {
  die_and_return other_subnet
  none_quarantined
  until_ok 30 settled
  nothing_lost
  all_in 10.0.1.
  new_pods_while_it_looks
}
other_subnet() {
  kube PATCH "${eni_configs}/default" "{\"spec\": {\"subnet\": \"$(subnet 0)\"}}"
}
