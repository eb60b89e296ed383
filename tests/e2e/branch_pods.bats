#!/usr/bin/env bats
# Security groups for pods, the agent's side over RPC: it is killed while pods with branch ENIs live,
# come and go, and what it needs is missing. The packets' side needs 802.1Q and is in vlan.bats.
# Release build only: what it decides has unit tests that run with sanitizers

load lab

setup_file() {
  lab_up vpce-branch --nodes 1 --type m5.large --lag none --env a:WARM_ENI_TARGET=0 --env a:IP_COOLDOWN_PERIOD=1
}

teardown() {
  controller '{"on": true}'
  control POST /kubernetes/fault '{}' >/dev/null
}

teardown_file() {
  lab_down
}

node_dir() { echo "${VPCLAB_STATE}/node-a"; }
controller() { control POST /controller "$1" >/dev/null; }
kube() { # METHOD PATH [BODY]
  lab exec a curl -sS --fail-with-body --max-time 10 -X "$1" "http://192.0.2.2$2" \
    -H 'Content-Type: application/merge-patch+json' ${3:+--data-binary "$3"}
}
pod_path() { echo "/api/v1/namespaces/default/pods/$1"; }
# make POD [branch]
make() {
  kube POST /api/v1/namespaces/default/pods "$(jq -cn --arg pod "$1" --arg kind "${2:-}" '
    {metadata: {name: $pod}, spec: {nodeName: "node-a", containers: [
      {name: "main", resources: (if $kind == "branch" then {limits: {"vpc.amazonaws.com/pod-eni": "1"}} else {} end)}]}}')" \
    >/dev/null
}
uid() { kube GET "$(pod_path "$1")" | jq -r .metadata.uid; }
has_trunk() { introspect a /v1/enis | jq -e '[.["0"].ENIs[] | select(.IsTrunk)] | length == 1'; }

# rpc MESSAGE METHOD FIELDS: the reply as text; the gRPC status is the exit code.
rpc() {
  local directory=${BATS_TEST_DIRNAME}/../../lib/rpc
  protoc "-I${directory}" "--encode=rpc.$1Request" wire.proto <<<"$3" \
    | lab exec a "${VPCCNI_BUILD}/tests/rpc/rpc_call" 127.0.0.1:50051 "/rpc.CNIBackend/$2" 15000 \
      2>"${BATS_TEST_TMPDIR}/status" >"${BATS_TEST_TMPDIR}/reply" || return $?
  protoc "-I${directory}" "--decode=rpc.$1Reply" wire.proto <"${BATS_TEST_TMPDIR}/reply"
}
# request POD SANDBOX UID: what ADD and DEL have in common.
request() {
  printf '%s: "%s"\n' K8S_POD_NAMESPACE default K8S_POD_NAME "$1" ContainerID "$2" IfName eth0 \
    NetworkName aws-cni K8S_POD_UID "$3"
}
add() { rpc AddNetwork AddNetwork "$(request "$@")"; }
del() { rpc DelNetwork DelNetwork "$(request "$@")"; }
# As the kubelet: again until it works.
add_ok() { until_ok 40 adds "$@" && add "$@"; }
adds() { add "$@" | grep -q '^Success: true'; }
field() { sed -n "s/^ *$1: \"*\([^\"]*\)\"*$/\1/p"; }
annotation() { kube GET "$(pod_path "$1")" | jq -r '.metadata.annotations["vpc.amazonaws.com/pod-eni"] | fromjson | .[0].'"$2"; }
# answers_branch POD REPLY: it is what the annotation says.
answers_branch() {
  [ "$(field PodVlanId <<<"$2")" = "$(annotation "$1" vlanID)" ]
  [ "$(field IPv4Addr <<<"$2")" = "$(annotation "$1" privateIp)" ]
  [ "$(field PodENIMAC <<<"$2")" = "$(annotation "$1" ifAddress)" ]
  [ "$(field ParentIfIndex <<<"$2")" -gt 0 ]
}
fails_for() { # REASON REPLY
  [[ "$(field FailureReason <<<"$2")" == "$1: "* ]]
}
kill_and_start() {
  lab agent kill a
  lab agent start a
}

@test "no trunk: a pod whose branch ENI is there waits, and is told what is missing" {
  local reply
  controller '{"on": false}'
  lab agent stop a
  echo ENABLE_POD_ENI=true >>"$(node_dir)/agent.env"
  lab agent start a
  make first branch
  kube PATCH "$(pod_path first)" '{"metadata": {"annotations": {"vpc.amazonaws.com/pod-eni":
    "[{\"ifAddress\":\"02:00:00:00:00:07\",\"privateIp\":\"10.0.0.200\",\"vlanID\":7,\"subnetCidr\":\"10.0.0.0/24\"}]"}}}' >/dev/null
  reply=$(add first s-first "$(uid first)")
  fails_for TRUNK_MISSING "${reply}"
  kube GET /apis/vpcresources.k8s.aws/v1alpha1/cninodes/node-a \
    | jq -e '.spec.features | map(.name) | index("SecurityGroupsForPods")'
  agent_says a TRUNK_MISSING

  # Killed while it waits for the trunk: asks again, and finds it.
  kill_and_start
  controller '{"on": true}'
  until_ok 30 has_trunk
  reply=$(add_ok first s-first "$(uid first)")
  until_ok 10 test "$(annotation first vlanID)" != 7
  answers_branch first "$(add first s-first "$(uid first)")"
}

@test "the pod's annotation does not come: BRANCH_ENI_PENDING, and the next ADD has it" {
  local reply
  controller '{"on": false}'
  make late branch
  reply=$(add late s-late "$(uid late)")
  fails_for BRANCH_ENI_PENDING "${reply}"
  agent_says a BRANCH_ENI_PENDING
  # Killed in the middle of an ADD: nothing is given, nothing is kept.
  add late s-late2 "$(uid late)" &
  sleep 0.5
  kill_and_start
  wait || true
  controller '{"on": true}'
  answers_branch late "$(add_ok late s-late3 "$(uid late)")"
}

@test "the Kubernetes API is away: what is known is answered, what is not is refused" {
  local reply known
  make known branch
  known=$(uid known)
  add_ok known s-known "${known}"
  control POST /kubernetes/fault '{"down": true}' >/dev/null
  answers() { [ "$(field PodVlanId <<<"$1")" -gt 0 ]; }
  answers "$(add known s-known "${known}")"
  reply=$(add never s-never 0000)
  fails_for POD_UNKNOWN "${reply}"
  run del known s-known "${known}"
  [ "${status}" -eq 3 ] # not a success: nobody knows whether it has a branch ENI
  control POST /kubernetes/fault '{"black_hole": true}' >/dev/null
  reply=$(add never s-never 0000)
  fails_for POD_UNKNOWN "${reply}"

  # An agent that starts now would know nothing of the pod, and could give it an address of the pool:
  # it ends, as upstream's, and is started again.
  control POST /kubernetes/fault '{"down": true}' >/dev/null
  lab agent kill a
  lab agent start a nowait
  until_ok 20 agent_says a 'the API server is needed for the start'
  control POST /kubernetes/fault '{}' >/dev/null
  lab agent start a
  until_ok 40 adds known s-known "${known}"
  answers_branch known "$(add known s-known "${known}")"
  [ "$(del known s-known "${known}" | field PodVlanId)" = "$(annotation known vlanID)" ]
}

@test "the agent is killed again and again while pods with branch ENIs live, come and go" {
  local i old_uid old_vlan reply
  declare -A sandbox
  make plain
  pod_add a plain # by the plugin: an entry without a link goes after a minute
  for i in 1 2 3 4; do
    make "web-${i}" branch
    sandbox[${i}]=s-web-${i}
    reply=$(add_ok "web-${i}" "${sandbox[${i}]}" "$(uid "web-${i}")")
    answers_branch "web-${i}" "${reply}"
  done
  for i in 1 2 3; do
    # One goes and comes again under its name while no agent is there.
    old_uid=$(uid "web-${i}") old_vlan=$(annotation "web-${i}" vlanID)
    lab agent kill a
    kube DELETE "$(pod_path "web-${i}")" >/dev/null
    make "web-${i}" branch
    lab agent start a
    until_ok 30 has_trunk
    reply=$(add_ok "web-${i}" "again-${i}" "$(uid "web-${i}")")
    answers_branch "web-${i}" "${reply}"
    [ "$(field PodVlanId <<<"${reply}")" != "${old_vlan}" ]
    # The late DEL of the old sandbox names nothing of the new pod.
    run del "web-${i}" "${sandbox[${i}]}" "${old_uid}"
    [[ ${output} != *PodVlanId* ]]
    sandbox[${i}]=again-${i}
  done
  # All live ones are answered as before, and none has an address of the pool.
  for i in 1 2 3 4; do
    answers_branch "web-${i}" "$(add "web-${i}" "${sandbox[${i}]}" "$(uid "web-${i}")")"
  done
  [ "$(introspect a /v1/pods | jq length)" -eq 1 ]
  [ "$(for i in 1 2 3 4; do annotation "web-${i}" vlanID; done | sort -u | wc -l)" -eq 4 ]
  # A DEL after a restart tells the plugin which VLAN to take away.
  kill_and_start
  for i in 1 2 3 4; do
    [ "$(del "web-${i}" "${sandbox[${i}]}" "$(uid "web-${i}")" | field PodVlanId)" = "$(annotation "web-${i}" vlanID)" ]
    kube DELETE "$(pod_path "web-${i}")" >/dev/null
  done
  lab pod del a plain
  [ "$(introspect a /v1/pods | jq length)" -eq 0 ]
}
