#pragma once
// For tests: the agent's edges on the VPC model, one instance in zone a, time that passes only in
// waits. EC2 is the real client over the model's face.

#include <algorithm>
#include <string>
#include <vector>

#include "agent/eni_lifecycle.h"
#include "aws/instance_limits.h"
#include "tests/vpc/model_wire.h"
#include "tests/vpc/topology.h"

namespace vpccni::agent::test {

class ModelImds final : public aws::Imds {
 public:
  ModelImds(vpc::Model& model, const vpc::Instance& instance, const base::Clock& clock)
      : model_(model), instance_(instance), clock_(clock) {}

  Result<aws::InstanceIdentity> identity() override {
    aws::InstanceIdentity identity;
    identity.id = instance_.id;
    identity.type = instance_.type;
    identity.region = model_.options().region;
    identity.availability_zone = instance_.zone;
    identity.vpc = instance_.vpc;
    identity.primary_mac = instance_.primary_mac;
    identity.primary_eni = instance_.primary_eni;
    identity.primary_subnet = instance_.subnet;
    identity.local_ipv4 = instance_.address;
    return identity;
  }
  Result<std::vector<aws::ImdsEni>> enis() override {
    std::vector<aws::ImdsEni> enis;
    for (const auto& shown : model_.imds_enis(instance_.id, clock_.now())) {
      aws::ImdsEni eni;
      eni.id = shown.id;
      eni.mac = shown.mac;
      eni.device = shown.device.value_or(net::DeviceIndex());
      eni.card = shown.card;
      eni.subnet = shown.subnet;
      eni.addresses = shown.addresses;
      eni.prefixes = shown.prefixes;
      eni.subnet_ipv4 = model_.find_subnet(shown.subnet)->cidr;
      enis.push_back(std::move(eni));
    }
    return enis;
  }
  Result<std::vector<net::Cidr>> vpc_ipv4_cidrs(const net::Mac&) override {
    return model_.imds_vpc_cidrs(instance_.id, clock_.now());
  }
  Result<std::vector<net::Cidr>> vpc_ipv6_cidrs(const net::Mac&) override {
    return std::vector<net::Cidr>();
  }
  Result<std::vector<net::SecurityGroupId>> security_groups(const net::Mac&) override {
    return model_.find_eni(instance_.primary_eni)->groups;
  }
  Result<std::optional<std::string>> get(const std::string&) override {
    return std::optional<std::string>();
  }

 private:
  vpc::Model& model_;
  const vpc::Instance& instance_;
  const base::Clock& clock_;
};

/// Every link is there at once; no pod is.
class ReadyKernel final : public Kernel {
 public:
  Result<podnet::EniTable> route_table(net::NetworkCard, const net::Ip&, net::DeviceIndex device,
                                       int) override {
    return podnet::EniTable{net::TableId(static_cast<std::uint32_t>(device.value()) + 1), false};
  }
  Result<> set_up_eni(const podnet::EniNetwork&) override { return {}; }
  Result<> delete_rules_from(const net::Ip&) override { return {}; }
  Result<> update_chains(const podnet::HostNetwork&) override { return {}; }
  Result<podnet::HostPods> host_pods() override { return podnet::HostPods{}; }
};

struct VpcSite {
  explicit VpcSite(const std::string& type = "m5.large")
      : clock({base::SteadyTime(std::chrono::hours(1)),
               base::WallTime(std::chrono::seconds(1765972800))}),  // 2025-12-17T12:00:00Z
        model(options()),
        topology(vpc::default_topology(model, clock.now())),
        instance(*model.run_instance({.type = type, .subnet = topology.subnets[0]}, clock.now())) {
    node.identity = *imds.identity();
    node.limits = aws::instance_limits(type).value_or(aws::assumed_limits());
    model.faults().reset_calls();
  }
  static vpc::ModelOptions options() {
    vpc::ModelOptions options;
    options.lags = vpc::Lags::none();
    return options;
  }

  /// An ENI in the instance's subnet, not attached.
  net::EniId make(const std::string& description, aws::Tags tags, aws::EniKind kind = {}) {
    vpc::NewInterface wanted;
    wanted.subnet = instance.subnet;
    wanted.description = description;
    wanted.tags = std::move(tags);
    wanted.kind = kind;
    return model.create_interface(wanted, clock.now())->id;
  }
  net::EniId attached(int device, const std::string& description, aws::Tags tags,
                      aws::EniKind kind = {}) {
    const auto id = make(description, std::move(tags), kind);
    (void)model.attach(id, instance.id, net::NetworkCard(0), net::DeviceIndex(device), clock.now());
    model.advance(clock.now());
    return id;
  }
  const aws::Tags& tags(const net::EniId& id) const { return model.find_eni(id)->tags; }
  std::uint64_t calls(const std::string& action) {
    const auto& all = model.faults().calls();
    const auto found = all.find(action);
    return found == all.end() ? 0 : found->second;
  }
  bool logged(const std::string& text) const {
    return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
      return line.find(text) != std::string::npos;
    });
  }

  vpc::StepClock clock;
  vpc::Model model;
  vpc::Topology topology;
  vpc::Instance instance;
  vpc::ModelEc2 wire{model, clock, topology.key};
  ModelImds imds{model, instance, clock};
  ReadyKernel kernel;
  mutable std::vector<std::string> lines;
  base::Log log{[this](std::string_view line) { lines.emplace_back(line); }, base::Level::debug,
                clock};
  Edges edges{wire.ec2(), imds, kernel, clock, log};
  Node node;
  std::stop_token stop;
};

}  // namespace vpccni::agent::test
