#!/usr/bin/env bats
# What a scraper and a person with curl see of a running agent.

load lab

setup_file() {
  # One ENI, with three addresses: the fourth pod gets none.
  lab_up vpce-metrics --nodes 1 --type t3.small --env a:MAX_ENI=1
  pod_add a one
  pod_add a two
  lab pod del a two
  pod_add a three
}

teardown_file() {
  lab_down
}

page() { lab exec a curl -sS --fail --max-time 5 http://127.0.0.1:61678/metrics; }
value() { page | awk -v name="$1" '$1 == name { print $2; found = 1 } END { exit !found }'; }
agent_env() {
  lab agent stop a
  printf '%s\n' MAX_ENI=1 "$@" >"${VPCLAB_STATE}/node-a/agent.env"
  lab agent start a
}

@test "names, types, labels and buckets are upstream's" {
  page | python3 "${BATS_TEST_DIRNAME}/metrics_page.py" "${BATS_TEST_DIRNAME}/../data/upstream-metrics.tsv"
}

@test "promtool reads the page, and finds fault with upstream's names only" {
  local status=0
  page >"${BATS_TEST_TMPDIR}/page"
  promtool check metrics <"${BATS_TEST_TMPDIR}/page" >"${BATS_TEST_TMPDIR}/complaints" 2>&1 || status=$?
  [ "${status}" -eq 0 ] || [ "${status}" -eq 3 ] # 3: a matter of taste; 1: cannot be read
  run grep -v '^awscni_' "${BATS_TEST_TMPDIR}/complaints"
  [ "${output}" = "" ]
}

@test "the numbers are those of the pool" {
  [ "$(value awscni_assigned_ip_addresses)" -eq 2 ]
  [ "$(value awscni_total_ip_addresses)" -eq "$(introspect a /v1/enis | jq '.["0"].TotalIPs')" ]
  [ "$(value awscni_eni_allocated)" -eq 1 ]
  [ "$(value awscni_eni_max)" -eq 1 ]
  [ "$(value awscni_ip_max)" -eq 3 ]
  [ "$(value awscni_add_ip_req_count)" -ge 3 ]
  [ "$(value 'awscni_del_ip_req_count{reason="PodDeleted"}')" -eq 1 ]
  [ "$(value 'vpccni_ips{state="assigned"}')" -eq 2 ]
  [ "$(value 'vpccni_add_seconds_count{result="ok"}')" -ge 3 ]
  [ "$(value 'awscni_ipamd_action_inprogress{fn="nodeInit"}')" -eq 0 ]
  value 'awscni_ec2api_req_count{fn="DescribeNetworkInterfaces"}'
  local address
  address=$(pod_ip a one)
  [ "$(value "awscni_assigned_ip_per_cidr{cidr=\"${address}/32\"}")" -eq 1 ]
}

@test "IMDS and EC2 agree, and the metric says so" {
  until_ok 90 value 'vpccni_imds_ec2_drift{kind="address",side="ec2"}'
  [ "$(value 'vpccni_imds_ec2_drift{kind="address",side="ec2"}')" -eq 0 ]
  [ "$(value 'vpccni_imds_ec2_drift{kind="eni",side="imds"}')" -eq 0 ]
}

@test "a failed ADD is counted and remembered with its reason" {
  until_ok 60 lab pod add a four # when two's address has cooled
  run lab pod add a five
  [ "${status}" -ne 0 ]
  [[ "${output}" == *ENI_LIMIT* ]]
  [ "$(value 'vpccni_add_failures_total{reason="ENI_LIMIT"}')" -ge 1 ]
  [ "$(value awscni_no_available_ip_addresses)" -ge 1 ]
  introspect a /v1/failures | jq -e '.failures[0] |
    .name == "five" and .namespace == "default" and .reason == "ENI_LIMIT" and .pool.free == 0'
  [ "$(value vpccni_ip_reuse_age_seconds_count)" -ge 1 ]
  lab pod del a four
}

@test "scrapers that do not read, or do not finish asking, hold nobody up for long" {
  local before
  before=$(value process_open_fds)
  lab exec a /usr/bin/python3 - "${BATS_TEST_TMPDIR}/go" <<'END' 3>&- 4>&- &
import os, socket, sys, time
held = []
for i in range(100):
    one = socket.create_connection(("127.0.0.1", 61678), 5)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    one.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n" + (b"\r\n" if i % 2 else b""))
    held.append(one)
open(sys.argv[1], "w").close()
end = time.monotonic() + 60
while os.path.exists(sys.argv[1]) and time.monotonic() < end:
    time.sleep(0.1)
END
  until_ok 10 test -e "${BATS_TEST_TMPDIR}/go"
  page >/dev/null
  pings a one 198.51.100.9
  [ "$(value process_open_fds)" -ge $((before + 50)) ] # they are there
  until_ok 20 few_fds "${before}"                      # and the agent lets go of them
  rm "${BATS_TEST_TMPDIR}/go"
  wait
}
few_fds() { [ "$(value process_open_fds)" -le $(($1 + 5)) ]; }

@test "introspection: each page, and the list of them for any other path" {
  local path
  for path in $(introspect a / | jq -r '.AvailableCommands[]'); do
    introspect a "${path}" | jq -e .
  done
  [ "$(introspect a /v1/eni-configs)" = '"default"' ]
  [ "$(introspect a /v1/none | jq -r '.AvailableCommands[:4] | join(" ")')" = \
    '/v1/enis /v1/eni-configs /v1/networkutils-env-settings /v1/ipamd-env-settings' ]
  introspect a /v1/networkutils-env-settings | jq -e '.AWS_VPC_K8S_CNI_VETHPREFIX == "eni"'
  introspect a /v1/enis | jq -e '.["0"].ENIs[] | .IsPrimary and .IPv6Cidrs == {} and .RouteTableID == 254'
  agent_says a '"uri":"/v1/eni-configs"'
}

@test "fewer series and blank ids when asked for" {
  introspect a /v1/enis | grep -F '"ifName":"eth0"'
  agent_env VPCCNI_METRICS_PER_CIDR=false VPCCNI_INTROSPECTION_SCRUB=true
  run page
  [[ "${output}" != *awscni_assigned_ip_per_cidr* ]]
  [[ "${output}" == *awscni_assigned_ip_per_eni* ]]
  run introspect a /v1/enis
  [[ "${output}" == *'"containerID":"","ifName":""'* ]]
  [[ "${output}" != *eth0* ]]
}
