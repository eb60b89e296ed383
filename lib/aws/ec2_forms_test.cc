// Each form as spec aws.md 1.6 prints its body: names are irregular, so the bytes are compared.
#include <catch2/catch.hpp>

#include "aws/ec2_query.h"

namespace vpccni::aws {
namespace {

const net::EniId kEni("eni-0ccccccccccccccc2");
const net::InstanceId kInstance("i-0123456789abcdef0");
const net::SubnetId kSubnet("subnet-0123456789abcdef0");
const net::AttachmentId kAttachment("eni-attach-0ccccccccccccccc2");

NewEni new_eni() {
  NewEni wanted;
  wanted.subnet = kSubnet;
  wanted.groups = {net::SecurityGroupId("sg-0123456789abcdef0")};
  wanted.description = "aws-K8S-i-0123456789abcdef0";
  wanted.tags = {{"node.k8s.amazonaws.com/instance_id", "i-0123456789abcdef0"},
                 {"node.k8s.amazonaws.com/createdAt", "2025-12-17T12:00:00Z"}};
  wanted.secondary_addresses = 9;
  return wanted;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("form: encoding sorts the keys and leaves only the unreserved characters bare") {
  CHECK(encode({{"B", "2"}, {"A", "1"}}) == "A=1&B=2");
  CHECK(encode({{"K", "aZ09-_.~"}}) == "K=aZ09-_.~");
  CHECK(encode({{"K", "a b/c:d+e&f=g%"}}) == "K=a%20b%2Fc%3Ad%2Be%26f%3Dg%25");
  CHECK(encode({{"K", "\xc3\xa9"}}) == "K=%C3%A9");
  CHECK(encode({{"K&Action", "x"}}) == "K%26Action=x");
  CHECK(encode({}).empty());
}

TEST_CASE("form: CreateNetworkInterface") {
  CHECK(encode(create_network_interface(new_eni(), "7f0c7a52-3f0b-4c0e-9f0e-5d1d4b1e7a10")) ==
        "Action=CreateNetworkInterface&ClientToken=7f0c7a52-3f0b-4c0e-9f0e-5d1d4b1e7a10&"
        "Description=aws-K8S-i-0123456789abcdef0&SecondaryPrivateIpAddressCount=9&"
        "SecurityGroupId.1=sg-0123456789abcdef0&SubnetId=subnet-0123456789abcdef0&"
        "TagSpecification.1.ResourceType=network-interface&"
        "TagSpecification.1.Tag.1.Key=node.k8s.amazonaws.com%2FcreatedAt&"
        "TagSpecification.1.Tag.1.Value=2025-12-17T12%3A00%3A00Z&"
        "TagSpecification.1.Tag.2.Key=node.k8s.amazonaws.com%2Finstance_id&"
        "TagSpecification.1.Tag.2.Value=i-0123456789abcdef0&Version=2016-11-15");
}

TEST_CASE("form: CreateNetworkInterface sends exactly one of the three counts") {
  const std::string counts[] = {
      "SecondaryPrivateIpAddressCount=", "Ipv4PrefixCount=", "Ipv6AddressCount="};
  struct Row {
    int secondary, prefixes, ipv6;
    const char* sent;
  };
  const Row rows[] = {{9, 0, 0, "SecondaryPrivateIpAddressCount=9&"},
                      {0, 0, 0, "SecondaryPrivateIpAddressCount=0&"},  // zero is still sent
                      {0, 2, 0, "Ipv4PrefixCount=2&"},
                      {0, 0, 1, "Ipv6AddressCount=1&"}};
  for (const Row& row : rows) {
    NewEni wanted = new_eni();
    wanted.secondary_addresses = row.secondary;
    wanted.prefixes = row.prefixes;
    wanted.ipv6_addresses = row.ipv6;
    const std::string body = encode(create_network_interface(wanted, "t"));
    INFO(body);
    CHECK(contains(body, row.sent));
    int sent = 0;
    for (const auto& count : counts) {
      sent += contains(body, count) ? 1 : 0;
    }
    CHECK(sent == 1);
  }
}

TEST_CASE("form: CreateNetworkInterface without tags has no tag specification") {
  NewEni wanted = new_eni();
  wanted.tags.clear();
  CHECK_FALSE(contains(encode(create_network_interface(wanted, "t")), "TagSpecification"));
}

TEST_CASE("form: AttachNetworkInterface always names the card") {
  CHECK(
      encode(attach_network_interface(kEni, kInstance, net::NetworkCard(0), net::DeviceIndex(1))) ==
      "Action=AttachNetworkInterface&DeviceIndex=1&InstanceId=i-0123456789abcdef0&"
      "NetworkCardIndex=0&NetworkInterfaceId=eni-0ccccccccccccccc2&Version=2016-11-15");
}

TEST_CASE("form: ModifyNetworkInterfaceAttribute") {
  CHECK(encode(set_delete_on_termination(kEni, kAttachment)) ==
        "Action=ModifyNetworkInterfaceAttribute&"
        "Attachment.AttachmentId=eni-attach-0ccccccccccccccc2&"
        "Attachment.DeleteOnTermination=true&NetworkInterfaceId=eni-0ccccccccccccccc2&"
        "Version=2016-11-15");
  CHECK(encode(set_security_groups(kEni,
                                   {net::SecurityGroupId("sg-b"), net::SecurityGroupId("sg-a")})) ==
        "Action=ModifyNetworkInterfaceAttribute&NetworkInterfaceId=eni-0ccccccccccccccc2&"
        "SecurityGroupId.1=sg-b&SecurityGroupId.2=sg-a&Version=2016-11-15");
}

TEST_CASE("form: Detach and Delete") {
  CHECK(encode(detach_network_interface(kAttachment)) ==
        "Action=DetachNetworkInterface&AttachmentId=eni-attach-0ccccccccccccccc2&"
        "Version=2016-11-15");
  CHECK(encode(delete_network_interface(kEni)) ==
        "Action=DeleteNetworkInterface&NetworkInterfaceId=eni-0ccccccccccccccc2&"
        "Version=2016-11-15");
}

TEST_CASE("form: AssignPrivateIpAddresses and AssignIpv6Addresses") {
  CHECK(encode(assign_private_addresses(kEni, 5)) ==
        "Action=AssignPrivateIpAddresses&NetworkInterfaceId=eni-0ccccccccccccccc2&"
        "SecondaryPrivateIpAddressCount=5&Version=2016-11-15");
  CHECK(encode(assign_private_prefixes(kEni, 1)) ==
        "Action=AssignPrivateIpAddresses&Ipv4PrefixCount=1&"
        "NetworkInterfaceId=eni-0ccccccccccccccc2&Version=2016-11-15");
  CHECK(encode(assign_ipv6_prefix(kEni, 1)) ==
        "Action=AssignIpv6Addresses&Ipv6PrefixCount=1&"
        "NetworkInterfaceId=eni-0ccccccccccccccc2&Version=2016-11-15");
}

TEST_CASE("form: UnassignPrivateIpAddresses") {
  CHECK(encode(unassign_private_addresses(
            kEni, {*net::Ip::parse("10.0.1.51"), *net::Ip::parse("10.0.1.77")})) ==
        "Action=UnassignPrivateIpAddresses&NetworkInterfaceId=eni-0ccccccccccccccc2&"
        "PrivateIpAddress.1=10.0.1.51&PrivateIpAddress.2=10.0.1.77&Version=2016-11-15");
  CHECK(encode(unassign_private_prefixes(kEni, {*net::Cidr::parse("10.0.1.96/28")})) ==
        "Action=UnassignPrivateIpAddresses&Ipv4Prefix.1=10.0.1.96%2F28&"
        "NetworkInterfaceId=eni-0ccccccccccccccc2&Version=2016-11-15");
}

TEST_CASE("form: UnassignIpv6Addresses") {
  CHECK(encode(unassign_ipv6_prefixes(kEni, {*net::Cidr::parse("2001:db8:1:1:aaaa::/80")})) ==
        "Action=UnassignIpv6Addresses&Ipv6Prefix.1=2001%3Adb8%3A1%3A1%3Aaaaa%3A%3A%2F80&"
        "NetworkInterfaceId=eni-0ccccccccccccccc2&Version=2016-11-15");
}

TEST_CASE("form: CreateNetworkInterface tells the tracking time-outs that are set") {
  NewEni wanted;
  wanted.subnet = net::SubnetId("subnet-1");
  CHECK(encode(create_network_interface(wanted, "t")).find("ConnectionTracking") ==
        std::string::npos);
  wanted.tracking.tcp_established = 350;
  wanted.tracking.udp = 30;
  const std::string body = encode(create_network_interface(wanted, "t"));
  CHECK(body.find("&ConnectionTrackingSpecification.TcpEstablishedTimeout=350&"
                  "ConnectionTrackingSpecification.UdpTimeout=30&") != std::string::npos);
  CHECK(body.find("UdpStream") == std::string::npos);
}

TEST_CASE("form: CreateTags") {
  CHECK(
      encode(create_tags("eni-0123456789abcdef0", {{"cluster.k8s.amazonaws.com/name", "my cluster"},
                                                   {"eks:eni:owner", "amazon-vpc-cni"}})) ==
      "Action=CreateTags&ResourceId.1=eni-0123456789abcdef0&"
      "Tag.1.Key=cluster.k8s.amazonaws.com%2Fname&Tag.1.Value=my%20cluster&"
      "Tag.2.Key=eks%3Aeni%3Aowner&Tag.2.Value=amazon-vpc-cni&Version=2016-11-15");
}

TEST_CASE("form: DescribeInstances, DescribeInstanceTypes and DescribeSubnets") {
  CHECK(encode(describe_instance(kInstance)) ==
        "Action=DescribeInstances&InstanceId.1=i-0123456789abcdef0&Version=2016-11-15");
  CHECK(encode(describe_instance_type("m9x.large")) ==
        "Action=DescribeInstanceTypes&InstanceType.1=m9x.large&Version=2016-11-15");
  const net::VpcId vpc("vpc-0123456789abcdef0");
  const std::string subnets =
      "Action=DescribeSubnets&Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-0123456789abcdef0&"
      "Filter.2.Name=availability-zone&Filter.2.Value.1=us-west-2a&";
  CHECK(encode(describe_subnets(vpc, "us-west-2a", "")) == subnets + "Version=2016-11-15");
  CHECK(encode(describe_subnets(vpc, "us-west-2a", "a+b")) ==
        subnets + "NextToken=a%2Bb&Version=2016-11-15");
}

TEST_CASE("form: DescribeNetworkInterfaces by filters pages, by ids does not") {
  EniFilter leaked;
  leaked.filters = {{"tag-key", {"node.k8s.amazonaws.com/instance_id"}},
                    {"status", {"available", "in-use"}}};
  CHECK(encode(describe_network_interfaces(leaked, 1000, "opaque-1")) ==
        "Action=DescribeNetworkInterfaces&Filter.1.Name=tag-key&"
        "Filter.1.Value.1=node.k8s.amazonaws.com%2Finstance_id&Filter.2.Name=status&"
        "Filter.2.Value.1=available&Filter.2.Value.2=in-use&MaxResults=1000&NextToken=opaque-1&"
        "Version=2016-11-15");
  EniFilter known;
  known.ids = {net::EniId("eni-2"), net::EniId("eni-1")};
  CHECK(encode(describe_network_interfaces(known, 1000, "opaque-1")) ==
        "Action=DescribeNetworkInterfaces&NetworkInterfaceId.1=eni-2&"
        "NetworkInterfaceId.2=eni-1&Version=2016-11-15");
}

}  // namespace
}  // namespace vpccni::aws
