#!/usr/bin/env bats
# What the agent takes from the Kubernetes API server and writes to it: targets of the node, events
# of failed ADDs, pod annotations; and that none of it grows with the cluster.
# Release build only: it measures memory

load lab

setup_file() { lab_up vpce-k8s --nodes 1 --type t3.small; }
teardown_file() { lab_down; }

# kube METHOD PATH [BODY]: at the lab's API server, as somebody else.
kube() {
  lab exec a curl -sS --fail-with-body --max-time 10 -X "$1" "http://192.0.2.2$2" \
    -H 'Content-Type: application/merge-patch+json' ${3:+--data-binary "$3"}
}
label() { kube PATCH /api/v1/nodes/node-a "{\"metadata\": {\"labels\": {\"vpc.amazonaws.com/$1\": $2}}}"; }
annotate() { kube PATCH /api/v1/nodes/node-a "{\"metadata\": {\"annotations\": {\"vpc.amazonaws.com/$1\": $2}}}"; }
target() { introspect a /v1/targets | jq -c ".$1 | [.value, .origin]"; }
target_is() { [[ $(target "$1") == "$2" ]]; }
max_pods_are() { [[ $(introspect a /v1/plan | jq .maxPods) == "$1" ]]; }
# make_pod NAME [SPEC]: the object only.
make_pod() {
  kube POST /api/v1/namespaces/default/pods \
    "{\"metadata\": {\"name\": \"$1\"}, \"spec\": {\"nodeName\": \"node-a\"${2:+, $2}}}" >/dev/null
}
address_annotation() {
  kube GET "/api/v1/namespaces/default/pods/$1" | jq -r '.metadata.annotations["vpc.amazonaws.com/pod-ips"]'
}
events_of() { control GET /kubernetes/events | jq --arg pod "$1" '[.[] | select(.regarding.name == $pod)]'; }
has_event() { events_of "$1" | jq -e --arg reason "$2" 'any(.reason == $reason)'; }
resident() { awk '/^VmRSS/ {print $2}' "/proc/$(<"${VPCLAB_STATE}/node-a/agent.pid")/status"; }

# agent_with VARIABLE=VALUE...
agent_with() {
  lab agent stop a
  printf '%s\n' MY_POD_NAME=aws-node-1 "$@" >"${VPCLAB_STATE}/node-a/agent.env"
  lab agent start a
}

@test "labels and annotations of the node change the targets at once" {
  until_ok 20 max_pods_are 110
  target_is WARM_IP_TARGET '[0,"environment"]'
  label warm-ip-target '"3"'
  until_ok 10 target_is WARM_IP_TARGET '[3,"label"]'
  introspect a /v1/plan | jq -e '.warmIpTarget == 3'
  annotate warm-ip-target '"2"'
  until_ok 10 target_is WARM_IP_TARGET '[2,"annotation"]'
  annotate warm-ip-target '"many"'
  until_ok 10 target_is WARM_IP_TARGET '[3,"label"]'
  agent_says a many
  annotate warm-ip-target null
  label warm-ip-target null
  until_ok 10 target_is WARM_IP_TARGET '[0,"environment"]'
  label minimum-ip-target '"4"'
  annotate warm-eni-target '"0"'
  until_ok 10 target_is MINIMUM_IP_TARGET '[4,"label"]'
  until_ok 10 target_is WARM_ENI_TARGET '[0,"annotation"]'
  label minimum-ip-target null
  annotate warm-eni-target null
  until_ok 10 target_is WARM_ENI_TARGET '[1,"environment"]'
}

@test "pods on the host's network are taken off the number of pods" {
  make_pod kube-proxy '"hostNetwork": true'
  make_pod ordinary
  until_ok 10 max_pods_are 109
  kube DELETE /api/v1/namespaces/default/pods/kube-proxy >/dev/null
  until_ok 10 max_pods_are 110
}

@test "the watch comes back after the API server was away" {
  control POST /kubernetes/fault '{"down":true}'
  until_ok 20 agent_says a 'the API server does not answer'
  pod_add a meanwhile
  control POST /kubernetes/fault '{}'
  label warm-ip-target '"1"'
  until_ok 60 target_is WARM_IP_TARGET '[1,"label"]'
  label warm-ip-target null
  until_ok 10 target_is WARM_IP_TARGET '[0,"environment"]'
  lab pod del a meanwhile
}

@test "a failed ADD is an event of its pod, once, with the reason" {
  make_pod crowded
  local number code
  for number in 1 2 3 4 5 6 7 8 9; do
    pod_add a "full${number}"
  done
  for _ in 1 2 3; do
    run lab pod add a crowded
    [ "${status}" -ne 0 ]
  done
  code=$(grep -oE '[A-Z]+_[A-Z_]+' <<<"${output}" | head -n 1)
  [ -n "${code}" ]
  until_ok 10 has_event crowded "${code}"
  events_of crowded | jq -e 'all(.type == "Warning" and .action == "AddNetwork" and (.regarding.uid | startswith("uid-default-crowded-")))'
  [ "$(events_of crowded | jq --arg code "${code}" '[.[] | select(.reason == $code)] | length')" -eq 1 ]
  for number in 1 2 3 4 5 6 7 8 9; do
    lab pod del a "full${number}"
  done
}

@test "ANNOTATE_POD_IP: set before the reply, cleared by the DEL" {
  agent_with ANNOTATE_POD_IP=true
  make_pod noted
  pod_add a noted
  [ "$(address_annotation noted)" = "$(pod_ip a noted)" ]
  pings a noted 198.51.100.9
  lab pod del a noted
  [ "$(address_annotation noted)" = "" ]
  # A pod that the API server does not know cannot be annotated.
  run lab pod add a unknown
  [ "${status}" -ne 0 ]
  [[ "${output}" == *POD_ANNOTATION* ]]
  until_ok 10 has_event unknown POD_ANNOTATION
}

@test "ANNOTATE_POD_IP: an API server that hangs delays a pod for seconds, not for ever" {
  make_pod slow
  pod_add a noted
  control POST /kubernetes/fault '{"black_hole":true}'
  local before=${SECONDS}
  run lab pod add a slow
  [ "${status}" -ne 0 ]
  [[ "${output}" == *POD_ANNOTATION* ]]
  lab pod del a noted
  ((SECONDS - before < 25))
  control POST /kubernetes/fault '{}'
  pod_add a slow
  lab pod del a slow
}

@test "ANNOTATE_POD_IP: no start without the API server" {
  lab agent stop a
  control POST /kubernetes/fault '{"down":true}'
  run lab exec a env ENABLE_IPv4=true ANNOTATE_POD_IP=true AWS_VPC_K8S_CNI_LOG_FILE=stderr timeout 20 "${VPCCNI_BUILD}/vpccni" agent
  control POST /kubernetes/fault '{}'
  [ "${status}" -eq 1 ]
  [[ "${output}" == *"the API server is needed"* ]]
  run lab exec a env -u CLUSTER_ENDPOINT ENABLE_IPv4=true ANNOTATE_POD_IP=true AWS_VPC_K8S_CNI_LOG_FILE=stderr timeout 20 "${VPCCNI_BUILD}/vpccni" agent
  [ "${status}" -eq 1 ]
  [[ "${output}" == *"the environment names none"* ]]
  # One that only hangs is waited for.
  control POST /kubernetes/fault '{"black_hole":true}'
  lab agent start a nowait
  until_ok 20 agent_says a 'waiting for the API server'
  control POST /kubernetes/fault '{}'
  until_ok 30 introspect a /v1/plan
}

@test "what IAM denies is an event of the agent's own pod" {
  agent_with
  kube POST /api/v1/namespaces/kube-system/pods \
    '{"metadata": {"name": "aws-node-1"}, "spec": {"nodeName": "node-a", "hostNetwork": true}}' >/dev/null
  until_ok 10 max_pods_are 109
  lab agent stop a
  control POST /fault '{"kind":"deny"}'
  lab agent start a nowait
  local told=0
  until_ok 30 has_event aws-node-1 MissingIAMPermissions || told=1
  control DELETE /fault
  lab agent restart a
  ((told == 0))
  events_of aws-node-1 | jq -e 'map(select(.reason == "MissingIAMPermissions"))
    | all(.type == "Warning" and (.action | startswith("ec2:")) and (.regarding.uid | startswith("uid-kube-system-aws-node-1-")))'
  kube DELETE /api/v1/namespaces/kube-system/pods/aws-node-1 >/dev/null
  until_ok 10 max_pods_are 110
}

@test "without MY_NODE_NAME nothing is followed, and it is said" {
  agent_with MY_NODE_NAME=
  agent_says a 'MY_NODE_NAME is not set'
  pod_add a nameless
  lab pod del a nameless
}

@test "10,000 nodes and pods of others cost the agent no memory" {
  agent_with
  until_ok 20 max_pods_are 110
  sleep 2
  local before after
  before=$(resident)
  control POST /kubernetes/crowd '{"count": 10000}'
  label warm-ip-target '"1"'
  until_ok 30 target_is WARM_IP_TARGET '[1,"label"]'
  lab agent restart a # with a list among the crowd
  until_ok 20 target_is WARM_IP_TARGET '[1,"label"]'
  sleep 2
  after=$(resident)
  echo "# resident: ${before} KiB alone, ${after} KiB in the crowd" >&3
  ((after - before < 1024))
}
