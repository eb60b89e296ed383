// EC2's answers: the example documents of spec aws.md 1.6, and what a broken or hostile service
// could send instead of them.
#include <catch2/catch.hpp>

#include "aws/ec2_query.h"

namespace vpccni::aws {
namespace {

const std::string kNamespace = " xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"";

const std::string kEnis =
    "<DescribeNetworkInterfacesResponse" + kNamespace + R"(><requestId>a3</requestId>
 <networkInterfaceSet><item>
  <networkInterfaceId>eni-0bbbbbbbbbbbbbbb1</networkInterfaceId><subnetId>subnet-0123456789abcdef0</subnetId><vpcId>vpc-0123456789abcdef0</vpcId><availabilityZone>us-west-2a</availabilityZone>
  <description>aws-K8S-i-0123456789abcdef0</description><ownerId>111122223333</ownerId><requesterManaged>false</requesterManaged><status>in-use</status>
  <macAddress>02:11:22:33:44:55</macAddress><privateIpAddress>10.0.1.20</privateIpAddress><privateDnsName>ip-10-0-1-20.us-west-2.compute.internal</privateDnsName><sourceDestCheck>true</sourceDestCheck>
  <groupSet><item><groupId>sg-0123456789abcdef0</groupId><groupName>node</groupName></item></groupSet>
  <attachment><attachmentId>eni-attach-0bbbbbbbbbbbbbbb1</attachmentId><instanceId>i-0123456789abcdef0</instanceId><instanceOwnerId>111122223333</instanceOwnerId><deviceIndex>1</deviceIndex><networkCardIndex>0</networkCardIndex><status>attached</status><attachTime>2025-12-17T12:00:00.000Z</attachTime><deleteOnTermination>true</deleteOnTermination></attachment>
  <tagSet><item><key>node.k8s.amazonaws.com/instance_id</key><value>i-0123456789abcdef0</value></item></tagSet>
  <privateIpAddressesSet><item><privateIpAddress>10.0.1.33</privateIpAddress><primary>false</primary></item><item><privateIpAddress>10.0.1.20</privateIpAddress><primary>true</primary></item></privateIpAddressesSet>
  <ipv4PrefixSet><item><ipv4Prefix>10.0.1.64/28</ipv4Prefix></item></ipv4PrefixSet>
  <ipv6AddressesSet><item><ipv6Address>2001:db8:1:1::5</ipv6Address><isPrimaryIpv6>false</isPrimaryIpv6></item></ipv6AddressesSet>
  <ipv6PrefixSet><item><ipv6Prefix>2001:db8:1:1:aaaa::/80</ipv6Prefix></item></ipv6PrefixSet>
  <connectionTrackingConfiguration><tcpEstablishedTimeout>432000</tcpEstablishedTimeout><udpStreamTimeout>180</udpStreamTimeout><udpTimeout>30</udpTimeout></connectionTrackingConfiguration>
  <interfaceType>interface</interfaceType>
 </item></networkInterfaceSet><nextToken>opaque-1</nextToken>
</DescribeNetworkInterfacesResponse>)";

const std::string kCreated = "<CreateNetworkInterfaceResponse" + kNamespace +
                             R"(><requestId>a4</requestId>
 <networkInterface><networkInterfaceId>eni-0ccccccccccccccc2</networkInterfaceId><subnetId>subnet-0123456789abcdef0</subnetId><vpcId>vpc-0123456789abcdef0</vpcId><status>pending</status><macAddress>02:aa:bb:cc:dd:ee</macAddress><privateIpAddress>10.0.1.40</privateIpAddress><sourceDestCheck>true</sourceDestCheck><interfaceType>interface</interfaceType><tagSet/></networkInterface>
 <clientToken>7f0c7a52-3f0b-4c0e-9f0e-5d1d4b1e7a10</clientToken>
</CreateNetworkInterfaceResponse>)";

const std::string kAttached =
    "<AttachNetworkInterfaceResponse" + kNamespace +
    "><requestId>a5</requestId><attachmentId>eni-attach-0ccccccccccccccc2</attachmentId>"
    "<networkCardIndex>0</networkCardIndex></AttachNetworkInterfaceResponse>";

const std::string kAssigned =
    "<AssignPrivateIpAddressesResponse" + kNamespace +
    R"(><requestId>a7</requestId><networkInterfaceId>eni-0ccccccccccccccc2</networkInterfaceId>
 <assignedPrivateIpAddressesSet><item><privateIpAddress>10.0.1.51</privateIpAddress></item><item><privateIpAddress>10.0.1.77</privateIpAddress></item></assignedPrivateIpAddressesSet>
 <assignedIpv4PrefixSet><item><ipv4Prefix>10.0.1.96/28</ipv4Prefix></item></assignedIpv4PrefixSet><return>true</return>
</AssignPrivateIpAddressesResponse>)";

const std::string kAssigned6 =
    "<AssignIpv6AddressesResponse" + kNamespace +
    "><requestId>a8</requestId><networkInterfaceId>eni-0ccccccccccccccc2</networkInterfaceId>"
    "<assignedIpv6PrefixSet><item>2001:db8:1:1:bbbb::/80</item></assignedIpv6PrefixSet>"
    "</AssignIpv6AddressesResponse>";

const std::string kInstance =
    "<DescribeInstancesResponse" + kNamespace + R"(><requestId>a1</requestId>
 <reservationSet><item><reservationId>r-0a</reservationId><ownerId>111122223333</ownerId><groupSet/>
  <instancesSet><item><instanceId>i-0123456789abcdef0</instanceId><instanceState><code>16</code><name>running</name></instanceState><instanceType>m5.large</instanceType>
   <networkInterfaceSet><item><networkInterfaceId>eni-0aaaaaaaaaaaaaaa0</networkInterfaceId><status>in-use</status>
     <attachment><attachmentId>eni-attach-0aaaaaaaaaaaaaaa0</attachmentId><deviceIndex>2</deviceIndex><status>attached</status><attachTime>2025-12-17T11:00:00.000Z</attachTime><deleteOnTermination>true</deleteOnTermination><networkCardIndex>1</networkCardIndex></attachment>
   </item></networkInterfaceSet></item></instancesSet></item></reservationSet>
</DescribeInstancesResponse>)";

const std::string kType =
    "<DescribeInstanceTypesResponse" + kNamespace + R"(><requestId>a2</requestId>
 <instanceTypeSet><item><instanceType>m9x.large</instanceType><bareMetal>false</bareMetal><hypervisor>nitro</hypervisor>
  <networkInfo><maximumNetworkInterfaces>3</maximumNetworkInterfaces><maximumNetworkCards>1</maximumNetworkCards><defaultNetworkCardIndex>0</defaultNetworkCardIndex>
   <networkCards><item><networkCardIndex>0</networkCardIndex><maximumNetworkInterfaces>3</maximumNetworkInterfaces></item></networkCards>
   <ipv4AddressesPerInterface>10</ipv4AddressesPerInterface><ipv6AddressesPerInterface>10</ipv6AddressesPerInterface><ipv6Supported>true</ipv6Supported></networkInfo></item></instanceTypeSet>
</DescribeInstanceTypesResponse>)";

const std::string kSubnets = "<DescribeSubnetsResponse" + kNamespace + R"(><requestId>a9</requestId>
 <subnetSet><item><subnetId>subnet-0123456789abcdef0</subnetId><state>available</state><vpcId>vpc-0123456789abcdef0</vpcId><cidrBlock>10.0.1.0/24</cidrBlock><ipv6CidrBlockAssociationSet/><availableIpAddressCount>240</availableIpAddressCount><availabilityZone>us-west-2a</availabilityZone><tagSet><item><key>kubernetes.io/role/cni</key><value>1</value></item></tagSet></item></subnetSet>
</DescribeSubnetsResponse>)";

const std::string kDone = "<DetachNetworkInterfaceResponse" + kNamespace +
                          "><requestId>a6</requestId><return>true</return>"
                          "</DetachNetworkInterfaceResponse>";

/// One parser with its error class as the only outcome: nullopt = success.
struct Parser {
  const char* name;
  const std::string* example;
  std::optional<Errc> (*run)(std::string_view);
};

template <auto Parse>
std::optional<Errc> outcome(std::string_view xml) {
  const auto result = Parse(xml);
  return result ? std::nullopt : std::optional(result.error().code);
}

const Parser kParsers[] = {{"network interfaces", &kEnis, &outcome<parse_network_interfaces>},
                           {"created", &kCreated, &outcome<parse_created>},
                           {"attached", &kAttached, &outcome<parse_attached>},
                           {"assigned", &kAssigned, &outcome<parse_assigned>},
                           {"assigned IPv6", &kAssigned6, &outcome<parse_assigned_ipv6>},
                           {"instance", &kInstance, &outcome<parse_instance_attachments>},
                           {"instance type", &kType, &outcome<parse_instance_type>},
                           {"subnets", &kSubnets, &outcome<parse_subnets>},
                           {"done", &kDone, &outcome<parse_done>}};

/// The document with the first `what` replaced.
std::string with(std::string document, const std::string& what, const std::string& by) {
  const auto at = document.find(what);
  REQUIRE(at != std::string::npos);
  return document.replace(at, what.size(), by);
}

std::string repeated(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) {
    out += text;
  }
  return out;
}

TEST_CASE("ec2 answer: a page of network interfaces") {
  const auto page = parse_network_interfaces(kEnis);
  REQUIRE(page);
  CHECK(page->next_token == "opaque-1");
  REQUIRE(page->enis.size() == 1);
  const Eni& eni = page->enis.front();
  CHECK(eni.id.str() == "eni-0bbbbbbbbbbbbbbb1");
  CHECK(to_string(eni.mac) == "02:11:22:33:44:55");
  CHECK(eni.subnet.str() == "subnet-0123456789abcdef0");
  CHECK(eni.vpc.str() == "vpc-0123456789abcdef0");
  CHECK(eni.availability_zone == "us-west-2a");
  CHECK(eni.description == "aws-K8S-i-0123456789abcdef0");
  CHECK(eni.status == "in-use");
  CHECK(eni.kind == EniKind::ordinary);
  REQUIRE(eni.attachment);
  CHECK(eni.attachment->id.str() == "eni-attach-0bbbbbbbbbbbbbbb1");
  CHECK(eni.attachment->instance.str() == "i-0123456789abcdef0");
  CHECK(eni.attachment->device == net::DeviceIndex(1));
  CHECK(eni.attachment->card == net::NetworkCard(0));
  CHECK(eni.attachment->status == "attached");
  CHECK(eni.attachment->delete_on_termination);
  REQUIRE(eni.addresses.size() == 2);  // the primary first, whatever the order of the answer
  CHECK(eni.addresses[0] == EniAddress{*net::Ip::parse("10.0.1.20"), true});
  CHECK(eni.addresses[1] == EniAddress{*net::Ip::parse("10.0.1.33"), false});
  CHECK(eni.prefixes == std::vector{*net::Cidr::parse("10.0.1.64/28")});
  CHECK(eni.ipv6_addresses == std::vector{*net::Ip::parse("2001:db8:1:1::5")});
  CHECK(eni.ipv6_prefixes == std::vector{*net::Cidr::parse("2001:db8:1:1:aaaa::/80")});
  CHECK(eni.groups == std::vector{net::SecurityGroupId("sg-0123456789abcdef0")});
  CHECK(eni.tags == Tags{{"node.k8s.amazonaws.com/instance_id", "i-0123456789abcdef0"}});
  CHECK(eni.tracking == ConnectionTracking{432000, 180, 30});
}

TEST_CASE("ec2 answer: tracking time-outs that are absent stay absent, wrong ones are corrupt") {
  const auto some = parse_network_interfaces(
      with(with(kEnis, "<tcpEstablishedTimeout>432000</tcpEstablishedTimeout>", ""),
           "<udpTimeout>30</udpTimeout>", ""));
  REQUIRE(some);
  CHECK(some->enis.front().tracking == ConnectionTracking{std::nullopt, 180, std::nullopt});
  const auto created = parse_created(kCreated);
  REQUIRE(created);
  CHECK(created->tracking.empty());
  for (const char* wrong : {"soon", "-1", "99999999999"}) {
    INFO(wrong);
    CHECK(outcome<parse_network_interfaces>(
              with(kEnis, ">432000<", std::string(">") + wrong + "<")) == Errc::corrupt);
  }
}

TEST_CASE("ec2 answer: no interfaces, no attachment, kinds") {
  const auto none = parse_network_interfaces(
      "<DescribeNetworkInterfacesResponse>"
      "<networkInterfaceSet/><nextToken/>"
      "</DescribeNetworkInterfacesResponse>");
  REQUIRE(none);
  CHECK(none->enis.empty());
  CHECK(none->next_token.empty());

  const auto free = parse_network_interfaces(
      with(with(kEnis, "<attachment>", "<formerly>"), "</attachment>", "</formerly>"));
  REQUIRE(free);
  CHECK_FALSE(free->enis.front().attachment);

  const std::pair<const char*, EniKind> kinds[] = {{"trunk", EniKind::trunk},
                                                   {"branch", EniKind::branch},
                                                   {"efa", EniKind::efa},
                                                   {"efa-only", EniKind::efa_only},
                                                   {"something-new", EniKind::ordinary}};
  for (const auto& [text, kind] : kinds) {
    const auto page =
        parse_network_interfaces(with(kEnis, ">interface<", std::string(">") + text + "<"));
    REQUIRE(page);
    CHECK(page->enis.front().kind == kind);
  }
}

TEST_CASE("ec2 answer: created, attached, assigned, done") {
  const auto created = parse_created(kCreated);
  REQUIRE(created);
  CHECK(created->id.str() == "eni-0ccccccccccccccc2");
  CHECK(to_string(created->mac) == "02:aa:bb:cc:dd:ee");
  CHECK(created->status == "pending");  // outside the model of the API
  REQUIRE(created->addresses.size() == 1);
  CHECK(created->addresses[0] == EniAddress{*net::Ip::parse("10.0.1.40"), true});

  const auto attached = parse_attached(kAttached);
  REQUIRE(attached);
  CHECK(attached->str() == "eni-attach-0ccccccccccccccc2");

  const auto assigned = parse_assigned(kAssigned);
  REQUIRE(assigned);
  CHECK(assigned->addresses ==
        std::vector{*net::Ip::parse("10.0.1.51"), *net::Ip::parse("10.0.1.77")});
  CHECK(assigned->prefixes == std::vector{*net::Cidr::parse("10.0.1.96/28")});

  const auto assigned6 = parse_assigned_ipv6(kAssigned6);
  REQUIRE(assigned6);
  CHECK(assigned6->prefixes == std::vector{*net::Cidr::parse("2001:db8:1:1:bbbb::/80")});
  CHECK(parse_done(kDone));
}

TEST_CASE("ec2 answer: attachments of an instance") {
  const auto all = parse_instance_attachments(kInstance);
  REQUIRE(all);
  REQUIRE(all->size() == 1);
  CHECK(all->front().id.str() == "eni-attach-0aaaaaaaaaaaaaaa0");
  CHECK(all->front().device == net::DeviceIndex(2));
  CHECK(all->front().card == net::NetworkCard(1));

  // An absent index is 0; no reservation, or two, is no answer to the question.
  const auto unset =
      parse_instance_attachments(with(kInstance, "<deviceIndex>2</deviceIndex>", ""));
  REQUIRE(unset);
  CHECK(unset->front().device == net::DeviceIndex(0));
  const auto from = kInstance.find("<item><reservationId>");
  const auto to = kInstance.find("</reservationSet>");
  const std::string reservation = kInstance.substr(from, to - from);
  CHECK(outcome<parse_instance_attachments>(with(kInstance, reservation, "")) == Errc::corrupt);
  CHECK(outcome<parse_instance_attachments>(
            with(kInstance, reservation, reservation + reservation)) == Errc::corrupt);
  // A device in use must never look free.
  CHECK(outcome<parse_instance_attachments>(
            with(kInstance, "<attachmentId>eni-attach-0aaaaaaaaaaaaaaa0</attachmentId>", "")) ==
        Errc::corrupt);
}

TEST_CASE("ec2 answer: limits of an instance type") {
  const auto limits = parse_instance_type(kType);
  REQUIRE(limits);
  CHECK(limits->enis == 3);
  CHECK(limits->ipv4_per_eni == 10);
  CHECK(limits->default_card == net::NetworkCard(0));
  CHECK(limits->cards == std::vector{CardLimit{net::NetworkCard(0), 3}});
  CHECK(limits->hypervisor == "nitro");
  CHECK_FALSE(limits->bare_metal);
  CHECK(limits->prefixes_supported());

  // The limit is the default card's, not the instance's.
  std::string two = with(kType, "<maximumNetworkInterfaces>3<", "<maximumNetworkInterfaces>6<");
  two = with(two, "<maximumNetworkCards>1<", "<maximumNetworkCards>2<");
  two = with(two, "</networkCards>",
             "<item><networkCardIndex>1</networkCardIndex><maximumNetworkInterfaces>3"
             "</maximumNetworkInterfaces></item></networkCards>");
  const auto both = parse_instance_type(two);
  REQUIRE(both);
  CHECK(both->enis == 3);
  CHECK(both->cards.size() == 2);

  const auto unset = parse_instance_type(with(kType, "<hypervisor>nitro</hypervisor>", ""));
  REQUIRE(unset);
  CHECK(unset->hypervisor == "unknown");
  CHECK_FALSE(unset->prefixes_supported());

  const std::string bad[] = {
      with(kType, "<instanceType>m9x.large</instanceType>", ""),
      with(kType, "<ipv4AddressesPerInterface>10<", "<ipv4AddressesPerInterface>0<"),
      with(kType, "<maximumNetworkCards>1<", "<maximumNetworkCards>4<"),  // fewer cards listed
      with(with(kType, "<networkInfo>", "<info>"), "</networkInfo>", "</info>"),
      with(kType, "</instanceTypeSet>", "<item/></instanceTypeSet>"),
      with(kType, "<ipv4AddressesPerInterface>10<", "<ipv4AddressesPerInterface>ten<")};
  for (const auto& document : bad) {
    INFO(document);
    CHECK(outcome<parse_instance_type>(document) == Errc::corrupt);
  }
}

TEST_CASE("ec2 answer: subnets") {
  const auto page = parse_subnets(kSubnets);
  REQUIRE(page);
  CHECK(page->next_token.empty());
  REQUIRE(page->subnets.size() == 1);
  const Subnet& subnet = page->subnets.front();
  CHECK(subnet.id.str() == "subnet-0123456789abcdef0");
  CHECK(subnet.vpc.str() == "vpc-0123456789abcdef0");
  CHECK(subnet.availability_zone == "us-west-2a");
  CHECK(subnet.cidr == *net::Cidr::parse("10.0.1.0/24"));
  CHECK_FALSE(subnet.ipv6_cidr);
  CHECK(subnet.available_addresses == 240);
  CHECK(subnet.tags == Tags{{"kubernetes.io/role/cni", "1"}});
}

TEST_CASE("ec2 answer: a subnet's IPv6 block is the associated one") {
  const auto block = [](const std::string& cidr, const std::string& state) {
    return "<item><ipv6CidrBlock>" + cidr + "</ipv6CidrBlock><ipv6CidrBlockState><state>" + state +
           "</state></ipv6CidrBlockState></item>";
  };
  const auto page = parse_subnets(
      with(kSubnets, "<ipv6CidrBlockAssociationSet/>",
           "<ipv6CidrBlockAssociationSet>" + block("2001:db8:1::/64", "disassociated") +
               block("2001:db8:2::/64", "associated") + "</ipv6CidrBlockAssociationSet>"));
  REQUIRE(page);
  CHECK(page->subnets.front().ipv6_cidr == *net::Cidr::parse("2001:db8:2::/64"));
  CHECK_FALSE(parse_subnets(with(kSubnets, "<ipv6CidrBlockAssociationSet/>",
                                 "<ipv6CidrBlockAssociationSet>" + block("2001", "associated") +
                                     "</ipv6CidrBlockAssociationSet>")));
}

TEST_CASE("ec2 answer: missing or malformed values are corrupt") {
  struct Row {
    std::optional<Errc> (*run)(std::string_view);
    std::string document;
  };
  const auto enis = &outcome<parse_network_interfaces>;
  const Row rows[] = {
      {enis, with(kEnis, "<networkInterfaceId>eni-0bbbbbbbbbbbbbbb1</networkInterfaceId>", "")},
      {enis, with(kEnis, ">eni-0bbbbbbbbbbbbbbb1<", "> <")},
      {enis, with(kEnis, "02:11:22:33:44:55", "02:11:22:33:44")},
      {enis, with(kEnis, "<privateIpAddress>10.0.1.33<", "<privateIpAddress>10.0.1.333<")},
      {enis, with(kEnis, "<privateIpAddress>10.0.1.33<", "<privateIpAddress><")},
      {enis, with(kEnis, "10.0.1.64/28", "10.0.1.64/33")},
      {enis, with(kEnis, "2001:db8:1:1::5", "2001:db8:1:1::g")},
      {enis, with(kEnis, "2001:db8:1:1:aaaa::/80", "2001:db8:1:1:aaaa::")},
      {enis, with(kEnis, "<deviceIndex>1<", "<deviceIndex>one<")},
      {enis, with(kEnis, "<deviceIndex>1<", "<deviceIndex>-1<")},
      {enis, with(kEnis, "<deviceIndex>1<", "<deviceIndex>99999999999<")},
      {&outcome<parse_subnets>, with(kSubnets, ">subnet-0123456789abcdef0<", "><")},
      {&outcome<parse_subnets>, with(kSubnets, "10.0.1.0/24", "10.0.1.0")},
      {&outcome<parse_subnets>, with(kSubnets, ">240<", ">many<")},
      {&outcome<parse_created>, with(kCreated, ">eni-0ccccccccccccccc2<", "><")},
      {&outcome<parse_created>, "<CreateNetworkInterfaceResponse/>"},
      {&outcome<parse_attached>, "<AttachNetworkInterfaceResponse/>"},
      {&outcome<parse_assigned>, with(kAssigned, "10.0.1.77", "10.0.1")},
      {&outcome<parse_assigned>, with(kAssigned, "10.0.1.96/28", "prefix")},
      {&outcome<parse_assigned_ipv6>, with(kAssigned6, "2001:db8:1:1:bbbb::/80", "")}};
  for (const Row& row : rows) {
    INFO(row.document);
    CHECK(row.run(row.document) == Errc::corrupt);
  }
}

TEST_CASE("ec2 answer: unknown elements, comments and prefixes do not matter") {
  for (const Parser& parser : kParsers) {
    INFO(parser.name);
    const auto first = parser.example->find("<requestId>");
    std::string more = *parser.example;
    more.insert(first, "<!-- new --><newThing a='b'><item><deep/></item></newThing>");
    CHECK(parser.run("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + more) == std::nullopt);
  }
  // The same document with a namespace prefix on every element gives the same values.
  std::string prefixed;
  for (std::size_t i = 0; i < kEnis.size(); ++i) {
    prefixed += kEnis[i];
    if (kEnis[i] == '<' && kEnis[i + 1] != '/') {
      prefixed += "ec2:";
    } else if (kEnis[i] == '/' && kEnis[i - 1] == '<') {
      prefixed += "ec2:";
    }
  }
  const auto page = parse_network_interfaces(prefixed);
  REQUIRE(page);
  REQUIRE(page->enis.size() == 1);
  CHECK(page->enis.front().id.str() == "eni-0bbbbbbbbbbbbbbb1");
  CHECK(page->enis.front().addresses.size() == 2);
  CHECK(page->next_token == "opaque-1");
}

TEST_CASE("ec2 answer: cut at every byte") {
  for (const Parser& parser : kParsers) {
    for (std::size_t n = 0; n < parser.example->size(); ++n) {
      // An own buffer, so that the address sanitizer sees a read past the end.
      const std::string part(*parser.example, 0, n);
      const auto code = parser.run(part);
      if (code != Errc::corrupt) {
        FAIL(parser.name << " is taken for whole after " << n << " bytes");
      }
      if (parse_error(part)) {
        FAIL(parser.name << " is taken for an error after " << n << " bytes");
      }
    }
  }
}

TEST_CASE("ec2 answer: one wrong byte anywhere never crashes") {
  int refused = 0;
  for (const Parser& parser : kParsers) {
    for (std::size_t n = 0; n < parser.example->size(); ++n) {
      for (const char bad : {'<', '>', '&', '"', '\0', '\xff'}) {
        std::string document = *parser.example;
        document[n] = bad;
        const auto code = parser.run(document);
        refused += code ? 1 : 0;
        if (code && *code != Errc::corrupt) {
          FAIL(parser.name << ": " << to_string(*code) << " with byte " << n << " changed");
        }
      }
    }
  }
  CHECK(refused > 0);
}

TEST_CASE("ec2 answer: hostile documents are corrupt") {
  const std::string deep = repeated("<a>", 100000);
  const std::string closed = repeated("</a>", 100000);
  const std::string hostile[] = {
      "", "\n", "not XML", "{\"json\": true}", "<html><body>502 Bad Gateway</body></html>",
      std::string(1 << 20, '<'), std::string(1 << 20, '>'), std::string(1 << 20, '\0'),
      repeated("<!--", 10000), "<XResponse>" + deep, "<XResponse>" + deep + closed + "</XResponse>",
      // The same depth, with text that looks like the end of elements.
      "<XResponse>" + repeated("<a>/>", 5000) + repeated("</a>", 5000) + "</XResponse>",
      "<XResponse><!--" + repeated("</", 5000) + "-->" + repeated("<a>", 5000) +
          repeated("</a>", 5000) + "</XResponse>"};
  for (const auto& document : hostile) {
    INFO(document.substr(0, 40) << " of " << document.size());
    for (const Parser& parser : kParsers) {
      CHECK(parser.run(document) == Errc::corrupt);
    }
    CHECK_FALSE(parse_error(document));
  }
}

TEST_CASE("ec2 answer: entities of a document type are not expanded") {
  std::string bomb = "<?xml version=\"1.0\"?><!DOCTYPE b [<!ENTITY a0 \"aaaaaaaaaa\">";
  for (int i = 1; i < 12; ++i) {
    const std::string inner = "&a" + std::to_string(i - 1) + ";";
    bomb += "<!ENTITY a" + std::to_string(i) + " \"" + repeated(inner, 10) + "\">";
  }
  bomb += "<!ENTITY file SYSTEM \"file:///etc/passwd\">]>";
  const auto bombed =
      parse_attached(bomb + with(kAttached, "eni-attach-0ccccccccccccccc2", "&a11;&file;"));
  if (bombed) {  // text is text
    CHECK(bombed->str() == "&a11;&file;");
  } else {
    CHECK(bombed.error().code == Errc::corrupt);
  }
  const auto known = parse_attached(with(kAttached, "0ccccccccccccccc2", "&lt;&amp;&#x41;"));
  REQUIRE(known);
  CHECK(known->str() == "eni-attach-<&A");
}

}  // namespace
}  // namespace vpccni::aws
