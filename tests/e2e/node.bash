# shellcheck shell=bash
# What the tests of a node's commands share: a node with four pods, the fourth on the second ENI, and
# an agent that does not heal, so that faults stay. Each test leaves in ${undo} what mends its fault.

node_up() { # LAB NODES FLAGS...
  local name=$1 nodes=$2 pod
  shift 2
  lab_up "${name}" --nodes "${nodes}" --type t3.small --env a:VPCCNI_DATAPLANE_RECONCILE=false \
    --env a:IP_COOLDOWN_PERIOD=5 "$@"
  for pod in one two three four; do
    pod_add a "${pod}"
  done
  until_ok 30 healthy
}

node_setup() {
  v="${VPCCNI_BUILD}/vpccni"
  undo=:
}

node_mended() {
  eval "${undo}" >/dev/null 2>&1
  control DELETE /fault >/dev/null
  until_ok 30 healthy
}

healthy() { lab exec a "${VPCCNI_BUILD}/vpccni" doctor; }
on() { lab exec a "$@"; }
link_of() { on "${v}" pods --json | jq -er --arg pod "$1" '.pods[] | select(.name == $pod) | .link'; }
run_dir() { echo "${VPCLAB_STATE}/node-a/run"; }
