#include "tests/vpc/topology.h"

namespace vpccni::vpc {

Topology default_topology(Model& model, base::Instant now) {
  const auto block = [](std::uint32_t third, int length) {
    return net::Cidr(net::Ip::v4((10U << 24U) | (third << 8U)), length);
  };
  const auto ipv6 = net::Cidr::parse("2001:db8:1::/56");
  Topology topology;
  topology.vpc = model.add_vpc({block(0, 16)}, now, {*ipv6}, net::VpcId("vpc-0a000000000000001"));
  for (std::uint32_t i = 1; i <= 3; ++i) {
    const auto zone = model.options().region + static_cast<char>('a' + i - 1);
    auto subnet =
        model.add_subnet({.id = net::SubnetId("subnet-0a00000000000000" + std::to_string(i)),
                          .vpc = topology.vpc,
                          .cidr = block(i, 24),
                          .zone = zone,
                          .ipv6 = *net::Cidr::parse("2001:db8:1:" + std::to_string(i) + "::/64")});
    topology.subnets.push_back(*std::move(subnet));  // cannot collide: the model is fresh
  }
  topology.nodes = *model.add_group(topology.vpc, "nodes");
  topology.key =
      model.add_key({.id = "AKIDEXAMPLE", .secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"});
  return topology;
}

}  // namespace vpccni::vpc
