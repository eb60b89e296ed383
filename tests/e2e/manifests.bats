#!/usr/bin/env bats
# The manifest and the chart: one source, valid objects, and upstream's in all that is not in
# COMPATIBILITY.md.
# Release build only: nothing of the program is run but its list of settings

bats_require_minimum_version 1.5.0

root=${BATS_TEST_DIRNAME}/../..
tests=${root}/tests/manifests
manifest=${root}/docker/manifests/aws-k8s-cni.yaml

setup_file() {
  # Builds the renderer, which a test should not wait for.
  "${root}/scripts/gen-manifests" --print >/dev/null
}

chart() { "${root}/scripts/gen-manifests" --print "$@"; }

# The objects of the chart with these values, as one JSON array.
rendered() {
  cat >"${BATS_TEST_TMPDIR}/values.yaml"
  chart -f "${BATS_TEST_TMPDIR}/values.yaml" | "${tests}/objects.py" --json -
}

# planted EXPECTED SED-EXPRESSION: the manifest with this fault is refused, and that is said.
planted() {
  sed "$2" "${manifest}" >"${BATS_TEST_TMPDIR}/planted.yaml"
  if cmp -s "${manifest}" "${BATS_TEST_TMPDIR}/planted.yaml"; then
    echo "${2}: changes nothing"
    return 1
  fi
  run -1 "${tests}/objects.py" "${BATS_TEST_TMPDIR}/planted.yaml"
  [[ ${output} == *"$1"* ]] || {
    echo "${2}: ${output}"
    return 1
  }
}

# refused EXPECTED: these values do not pass the chart's schema, and the place is said.
refused() {
  cat >"${BATS_TEST_TMPDIR}/values.yaml"
  run -1 "${tests}/values.py" "${BATS_TEST_TMPDIR}/values.yaml"
  [[ ${output} == *"$1"* ]] || {
    echo "${output}"
    return 1
  }
}

@test "the manifest is what the chart makes" {
  "${root}/scripts/gen-manifests" --check
}

@test "every object is one to the Kubernetes API's types, with every switch of the chart thrown too" {
  run -0 "${tests}/objects.py" "${manifest}"
  [ "${output}" = '7 objects' ]
  chart | "${tests}/objects.py" -
  chart -f "${tests}/everything.yaml" >"${BATS_TEST_TMPDIR}/everything"
  run -0 "${tests}/objects.py" "${BATS_TEST_TMPDIR}/everything"
  [ "${output}" = '11 objects' ]
}

@test "faults planted in the manifest are found" {
  planted 'hostNetwrok: V1PodSpec has no such field' 's/hostNetwork:/hostNetwrok:/'
  planted 'mountpath: V1VolumeMount has no such field' '0,/mountPath:/s//mountpath:/'
  planted 'bool expected, not "true"' 's/privileged: true/privileged: "true"/'
  planted 'str expected, not false' 's/value: "false"/value: false/'
  planted 'int expected, not "10"' 's/timeoutSeconds: 10/timeoutSeconds: "10"/'
  planted 'list expected' 's/^ *- \/init\/aws-vpc-cni-init/              run: it/'
  planted 'must not be' 's/- name: aws-vpc-cni-init/- stdin: true/'
  planted 'is there twice' 's/^\( *\)hostNetwork: true/&\n&/'
  planted 'env: ENABLE_IPv4 is there twice' 's/name: ENABLE_MULTI_NIC/name: ENABLE_IPv4/'
  planted 'volume rundir is there twice, not there, or not mounted' 's/name: run-dir/name: rundir/2;0,/name: run-dir/s//name: rundir/'
  planted 'hostPath type' 's/FileOrCreate/FileOrCreated/'
  planted 'is no quantity' 's/cpu: 25m/cpu: 25 milli/'
  planted 'is none of' 's/IfNotPresent/ifNotPresent/'
  planted 'no ServiceAccount aws-nodes' 's/serviceAccountName: aws-node/&s/'
  planted "does not match the template's labels" 's/^      k8s-app: aws-node/&s/'
  planted 'no ClusterRole/aws-nodes' '/^roleRef/,/^subjects/s/name: aws-node/&s/'
  planted 'nothing is known about apps/v2 DaemonSet' 's/apps\/v1/apps\/v2/'
  planted 'a CRD is called PLURAL.GROUP' 's/plural: eniconfigs/plural: eniconfig/'
}

@test "names, labels, probes, mounts, settings and permissions are upstream's" {
  "${VPCCNI_BUILD}/vpccni" help environment --json >"${BATS_TEST_TMPDIR}/settings"
  "${tests}/upstream.py" "${manifest}" "${BATS_TEST_TMPDIR}/settings"
  # And the comparison sees what it is for.
  local fault
  for fault in 's/run-dir/run-directory/' 's/"9001"/"1500"/' 's/WARM_ENI_TARGET/WARM_ENI_TARGETS/' \
    's/addr=:50051/addr=:50052/' 's/\[create, patch, list\]/[create, patch]/' 's/- NET_RAW/- SYS_ADMIN/' \
    's/k8s-app: aws-node/k8s-app: vpccni/' 's/branch-eni-cooldown: "60"/branch-eni-cooldown: "61"/'; do
    sed "${fault}" "${manifest}" >"${BATS_TEST_TMPDIR}/planted.yaml"
    run -1 "${tests}/upstream.py" "${BATS_TEST_TMPDIR}/planted.yaml" "${BATS_TEST_TMPDIR}/settings"
    [[ ${output} == *', not '* && ${output} != *Traceback* ]]
  done
}

@test "values: upstream's names, and what is none of them is refused with its place" {
  "${tests}/values.py"
  "${tests}/values.py" "${tests}/everything.yaml"
  refused 'imagee' <<<'imagee: {}'
  refused 'image: Additional properties' <<<'image: {region: us-west-2}'
  refused 'env.WARM_IP_TARGET' <<<'env: {WARM_IP_TARGET: [1]}'
  refused 'env.WARM_IP_TARGET' <<<'env: {WARM_IP_TARGET: 1000000}'
  refused 'image.pullPolicy' <<<'image: {pullPolicy: always}'
  refused 'eniConfig.subnets.a' <<<'eniConfig: {subnets: {a: {securityGroups: [sg-1]}}}'
  refused 'extraEnv' <<<'extraEnv: {VPCCNI_SNAT_IPSET: "true"}'
}

@test "chart: selector, permission to annotate, policy agent and images follow their values" {
  local all
  all=$(rendered <<<'{}')
  jq -e '.[] | select(.kind == "DaemonSet") | .spec.selector.matchLabels
    == {"app.kubernetes.io/name": "aws-node", "app.kubernetes.io/instance": "aws-vpc-cni"}' <<<"${all}"
  jq -e '[.[] | select(.kind == "DaemonSet") | .spec.template.spec.containers[].name] == ["aws-node"]' \
    <<<"${all}"
  all=$(rendered <<<'{env: {ANNOTATE_POD_IP: "true"}, image: {override: "a/b:c"}}')
  jq -e '.[] | select(.kind == "ClusterRole") | .rules[] | select(.resources == ["pods"]).verbs
    == ["list", "watch", "get", "patch"]' <<<"${all}"
  jq -e '[.. | .image? | strings] == ["a/b:c", "a/b:c"]' <<<"${all}"
  all=$(
    rendered <<'END'
image: {tag: v2}
init: {image: {override: "i:1"}}
nodeAgent: {enabled: true, image: {override: "p:1"}}
END
  )
  jq -e '[.. | .image? | strings] == ["i:1", "registry.example.com/vpccni:v2", "p:1"]' <<<"${all}"
  jq -e '[.. | objects | select(.name? == "NETWORK_POLICY_ENFORCING_MODE").value] == ["standard"]' \
    <<<"${all}"
  printf '%s\n' 'nodeAgent: {enabled: true}' >"${BATS_TEST_TMPDIR}/values.yaml"
  run -1 chart -f "${BATS_TEST_TMPDIR}/values.yaml"
  [[ ${output} == *'nodeAgent.image.override is needed'* ]]
}

@test "chart and program have one version" {
  local version
  version=$("${VPCCNI_BUILD}/vpccni" version --json | jq -r .version)
  grep -x "version: ${version}" "${root}/docker/charts/vpccni/Chart.yaml"
  grep -x "appVersion: \"${version}\"" "${root}/docker/charts/vpccni/Chart.yaml"
}
