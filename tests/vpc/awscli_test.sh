#!/bin/bash
# The EC2 face against an independent client, the AWS CLI, whose parser is driven by EC2's API
# model: describe, create, attach, assign, unassign, detach, delete; wrong keys; pages.
# usage: awscli_test.sh PATH-OF-VPC-MODEL-SERVER     AWS names another CLI. Exit 77 = skipped.
set -euo pipefail

server=${1:?usage: awscli_test.sh PATH-OF-VPC-MODEL-SERVER}
AWS=${AWS:-/usr/bin/aws}
for tool in "${AWS}" jq curl; do
  if ! command -v "${tool}" >/dev/null; then
    echo "skipped: ${tool} is not installed"
    exit 77
  fi
done

work=$(mktemp -d)
"${server}" --no-lag --instances 2 >"${work}/ready" 2>"${work}/log" &
pid=$!
finish() {
  kill "${pid}" 2>/dev/null || true
  wait "${pid}" 2>/dev/null || true
  rm -rf "${work}"
}
trap finish EXIT
for _ in {1..100}; do
  [[ ! -s ${work}/ready ]] || break
  sleep 0.1
done
if [[ ! -s ${work}/ready ]]; then
  echo "FAILED: the server does not come up"
  cat "${work}/log"
  exit 1
fi

ready() { jq -er "$1" "${work}/ready"; }
endpoint=http://$(ready .ec2)
control=http://$(ready .control)
instance=$(ready '.instances[0].id')
AWS_ACCESS_KEY_ID=$(ready .access_key)
AWS_SECRET_ACCESS_KEY=$(ready .secret_key)
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY HOME="${work}"
export AWS_EC2_METADATA_DISABLED=true AWS_MAX_ATTEMPTS=1 AWS_PAGER='' NO_PROXY=127.0.0.1
unset AWS_SESSION_TOKEN AWS_PROFILE AWS_ENDPOINT_URL AWS_ENDPOINT_URL_EC2
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null

ec2() { "${AWS}" --endpoint-url "${endpoint}" --region us-west-2 --output json ec2 "$@"; }

# is NAME JQ-FILTER EXPECTED < JSON
is() {
  local got
  got=$(jq -rc "$2")
  if [[ ${got} != "$3" ]]; then
    echo "FAILED: $1: ${2} is ${got}, expected $3"
    exit 1
  fi
  echo "ok: $1"
}

# refused NAME CODE COMMAND...
refused() {
  local name=$1 code=$2 text
  shift 2
  if text=$(ec2 "$@" 2>&1 >/dev/null); then
    echo "FAILED: ${name}: not refused"
    exit 1
  fi
  if [[ ${text} != *"(${code})"* ]]; then
    echo "FAILED: ${name}: expected ${code}, got ${text}"
    exit 1
  fi
  echo "ok: ${name}"
}

json=$(ec2 describe-instances --instance-ids "${instance}")
is 'instance type' '.Reservations[0].Instances[0].InstanceType' m5.large <<<"${json}"
is 'instance ENI' '.Reservations[0].Instances[0].NetworkInterfaces[0].Attachment | [.DeviceIndex,.NetworkCardIndex,.Status,.DeleteOnTermination]' \
  '[0,0,"attached",true]' <<<"${json}"
is 'VPC' '.Reservations[0].Instances[0] | [.VpcId,.State.Name,.Placement.AvailabilityZone]' \
  "[\"$(ready .vpc)\",\"running\",\"us-west-2a\"]" <<<"${json}"

json=$(ec2 describe-subnets --filters "Name=vpc-id,Values=$(ready .vpc)" Name=availability-zone,Values=us-west-2a)
is 'free addresses' '[.Subnets[] | [.CidrBlock,.AvailableIpAddressCount]]' '[["10.0.1.0/24",249]]' <<<"${json}"
subnet=$(jq -r '.Subnets[0].SubnetId' <<<"${json}")

json=$(ec2 describe-instance-types --instance-types m5.large)
is 'limits of the type' '.InstanceTypes[0].NetworkInfo | [.MaximumNetworkInterfaces,.Ipv4AddressesPerInterface,(.NetworkCards|length)]' \
  '[3,10,1]' <<<"${json}"

json=$(ec2 describe-security-groups --filters Name=group-name,Values=nodes)
is 'security group' '.SecurityGroups | length' 1 <<<"${json}"
group=$(jq -r '.SecurityGroups[0].GroupId' <<<"${json}")

json=$(ec2 create-network-interface --subnet-id "${subnet}" --description 'aws-K8S-x y+z' --groups "${group}" \
  --secondary-private-ip-address-count 2 \
  --tag-specifications "ResourceType=network-interface,Tags=[{Key=node.k8s.amazonaws.com/instance_id,Value=${instance}}]")
is 'created' '.NetworkInterface | [.Status,.SourceDestCheck,.Description,(.PrivateIpAddresses|length),.InterfaceType,.Groups[0].GroupName]' \
  '["pending",true,"aws-K8S-x y+z",3,"interface","nodes"]' <<<"${json}"
is 'tags of the new ENI' '.NetworkInterface.TagSet[0].Value' "${instance}" <<<"${json}"
is 'primary address' '.NetworkInterface | [.PrivateIpAddresses[] | select(.Primary)] | length' 1 <<<"${json}"
eni=$(jq -r '.NetworkInterface.NetworkInterfaceId' <<<"${json}")

json=$(ec2 attach-network-interface --network-interface-id "${eni}" --instance-id "${instance}" \
  --device-index 1 --network-card-index 0)
attachment=$(jq -r .AttachmentId <<<"${json}")
is 'attached' '.AttachmentId | startswith("eni-attach-0")' true <<<"${json}"

ec2 modify-network-interface-attribute --network-interface-id "${eni}" \
  --attachment "AttachmentId=${attachment},DeleteOnTermination=true"
json=$(ec2 assign-private-ip-addresses --network-interface-id "${eni}" --secondary-private-ip-address-count 2)
is 'assigned addresses' '.AssignedPrivateIpAddresses | length' 2 <<<"${json}"
address=$(jq -r '.AssignedPrivateIpAddresses[0].PrivateIpAddress' <<<"${json}")
json=$(ec2 assign-private-ip-addresses --network-interface-id "${eni}" --ipv4-prefix-count 1)
is 'assigned prefix' '.AssignedIpv4Prefixes[0].Ipv4Prefix' 10.0.1.16/28 <<<"${json}"
ec2 unassign-private-ip-addresses --network-interface-id "${eni}" --private-ip-addresses "${address}"
refused 'unassigning it again' InvalidParameterValue \
  unassign-private-ip-addresses --network-interface-id "${eni}" --private-ip-addresses "${address}"

json=$(ec2 describe-network-interfaces --filters "Name=tag:node.k8s.amazonaws.com/instance_id,Values=${instance}" \
  'Name=description,Values=aws-K8S-*' Name=status,Values=in-use)
is 'filtered ENIs' '[.NetworkInterfaces[].NetworkInterfaceId]' "[\"${eni}\"]" <<<"${json}"
is 'what it holds' '.NetworkInterfaces[0] | [(.PrivateIpAddresses|length),(.Ipv4Prefixes|length)]' '[4,1]' <<<"${json}"
is 'its attachment' '.NetworkInterfaces[0].Attachment | [.InstanceId,.DeviceIndex,.Status,.DeleteOnTermination,(.AttachTime|startswith("20"))]' \
  "[\"${instance}\",1,\"attached\",true,true]" <<<"${json}"

# Pages of five: nine ENIs are made without the CLI's slow start, by adding instances.
for _ in {1..9}; do
  curl -sSf -X POST -d '{"type":"t3.small"}' "${control}/instance" >/dev/null
done
json=$(ec2 describe-network-interfaces --page-size 5 --filters Name=status,Values=in-use)
is 'all pages' '[.NetworkInterfaces[].NetworkInterfaceId] | [length, (unique|length)]' '[12,12]' <<<"${json}"
json=$(curl -sSf "${control}/state")
is 'requests for three pages' '.calls.DescribeNetworkInterfaces' 4 <<<"${json}"

AWS_SECRET_ACCESS_KEY=wrong refused 'a wrong secret' AuthFailure describe-vpcs
refused 'an unknown ENI' InvalidNetworkInterfaceID.NotFound \
  describe-network-interfaces --network-interface-ids eni-0ffffffffffffffff
curl -sSf -X POST -d '{"kind":"throttle","action":"DescribeVpcs","times":1}' "${control}/fault" >/dev/null
refused 'a throttled call' RequestLimitExceeded describe-vpcs

refused 'deleting what is attached' InvalidParameterValue delete-network-interface --network-interface-id "${eni}"
ec2 detach-network-interface --attachment-id "${attachment}"
ec2 delete-network-interface --network-interface-id "${eni}"
json=$(curl -sSf "${control}/state")
is 'it is gone' "[.enis[] | select(.id == \"${eni}\")] | length" 0 <<<"${json}"
curl -sSf "${control}/check" >/dev/null
echo 'ok: the invariants hold'
