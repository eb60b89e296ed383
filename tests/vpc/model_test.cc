#include "tests/vpc/model.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>

#include "tests/vpc/topology.h"

using namespace vpccni;
using namespace vpccni::vpc;
using namespace std::chrono_literals;

namespace {

base::Instant at(base::Duration after) {
  return base::Instant{} + std::chrono::hours(24 * 365 * 50) + after;
}

/// A model with one instance and lags that tests can see.
struct Site {
  explicit Site(const std::string& type = "tiny.test", ModelOptions options = {})
      : model(std::move(options)), topology(default_topology(model, at(0s))) {
    subnet = topology.subnets.front();
    instance = *model.run_instance({.type = type, .subnet = subnet}, at(0s));
  }
  ~Site() { CHECK(model.check()); }

  Result<Eni> create(int secondaries = 0, base::Duration when = 0s) {
    return model.create_interface({.subnet = subnet, .secondary_count = secondaries}, at(when));
  }
  net::EniId attached(base::Duration when = 0s) {
    const auto eni = create(0, when);
    REQUIRE(eni);
    REQUIRE(model.attach(eni->id, instance.id, net::NetworkCard(0), net::DeviceIndex(1), at(when)));
    return eni->id;
  }

  Model model;
  Topology topology;
  net::SubnetId subnet;
  Instance instance;
};

template <class T>
std::string cause(const Result<T>& result) {
  return result ? "success" : result.error().cause;
}

net::Ip ip(std::string_view text) {
  return *net::Ip::parse(text);
}

const net::NetworkCard kCard{0};

}  // namespace

TEST_CASE("ids, MACs and addresses depend on the seed and the calls alone") {
  Site one;
  Site two;
  Site other("tiny.test", {.seed = 2});
  const auto a = one.create(1);
  const auto b = two.create(1);
  const auto c = other.create(1);
  REQUIRE(a->id == b->id);
  REQUIRE(a->mac == b->mac);
  REQUIRE(a->id != c->id);
  REQUIRE(a->mac != c->mac);
  REQUIRE(to_string(a->id).size() == std::string("eni-0123456789abcdef0").size());
  REQUIRE(to_string(a->mac).starts_with("02:"));
  REQUIRE(to_string(one.instance.address) == "10.0.1.4");  // the first four are reserved
  REQUIRE(to_string(a->primary()) == "10.0.1.5");
  REQUIRE(to_string(a->addresses[1].ip) == "10.0.1.6");
  REQUIRE(one.instance.private_dns == "ip-10-0-1-4.us-west-2.compute.internal");
}

TEST_CASE("an attachment takes its time, then the link appears") {
  Site site;
  (void)site.model.take_changes();
  const auto eni = site.attached(10s);
  REQUIRE(site.model.find_eni(eni)->status == "in-use");
  REQUIRE(site.model.find_eni(eni)->attachment->status == "attaching");
  REQUIRE(site.model.next_due() == at(12s).steady);
  site.model.advance(at(11999ms));
  REQUIRE(site.model.find_eni(eni)->attachment->status == "attaching");
  REQUIRE(site.model.imds_enis(site.instance.id, at(12s)).size() == 1);
  site.model.advance(at(30s));
  REQUIRE(site.model.find_eni(eni)->attachment->status == "attached");
  const auto changes = site.model.take_changes();
  REQUIRE(changes.size() == 2);  // the primary address, then the link
  const auto& link = std::get<LinkChange>(changes[1]);
  REQUIRE(link.attached);
  REQUIRE(link.eni == eni);
  REQUIRE(link.at == at(12s).steady);
  REQUIRE(site.model.imds_enis(site.instance.id, at(12300ms)).size() == 2);
}

TEST_CASE("a detached ENI can be deleted only when the detachment has ended") {
  Site site;
  const auto eni = site.attached();
  site.model.advance(at(5s));
  const auto attachment = site.model.find_eni(eni)->attachment->id;
  REQUIRE(cause(site.model.remove(eni, at(5s))) == "InvalidParameterValue");
  REQUIRE(site.model.detach(attachment, at(6s)));
  REQUIRE(cause(site.model.detach(attachment, at(7s))) == "IncorrectState");
  REQUIRE(cause(site.model.remove(eni, at(10s))) == "InvalidParameterValue");
  REQUIRE(site.model.imds_enis(site.instance.id, at(11900ms)).size() == 2);
  site.model.advance(at(11s));
  REQUIRE(cause(site.model.detach(attachment, at(11s))) == "InvalidAttachmentID.NotFound");
  REQUIRE(site.model.imds_enis(site.instance.id, at(12s)).size() == 1);
  REQUIRE(site.model.remove(eni, at(12s)));
  REQUIRE(cause(site.model.remove(eni, at(12s))) == "InvalidNetworkInterfaceID.NotFound");
  const auto primary = site.model.find_eni(site.instance.primary_eni)->attachment->id;
  REQUIRE(cause(site.model.detach(primary, at(12s))) == "OperationNotPermitted");
}

TEST_CASE("a detachment while attaching never shows a link") {
  Site site;
  const auto eni = site.attached();
  (void)site.model.take_changes();
  REQUIRE(site.model.detach(site.model.find_eni(eni)->attachment->id, at(1s)));
  site.model.advance(at(60s));
  REQUIRE(site.model.find_eni(eni)->status == "available");
  REQUIRE(site.model.take_changes().empty());
}

TEST_CASE("limits of the instance type hold") {
  Site site;  // 2 ENIs of 3 addresses
  const auto eni = site.attached();
  const auto third = site.create();
  REQUIRE(cause(site.model.attach(third->id, site.instance.id, kCard, net::DeviceIndex(1),
                                  at(3s))) == "InvalidParameterValue");
  REQUIRE(cause(site.model.attach(third->id, site.instance.id, kCard, net::DeviceIndex(2),
                                  at(3s))) == "AttachmentLimitExceeded");
  REQUIRE(cause(site.model.attach(third->id, site.instance.id, net::NetworkCard(1),
                                  net::DeviceIndex(2), at(3s))) == "InvalidParameterValue");
  REQUIRE(cause(site.model.attach(eni, site.instance.id, kCard, net::DeviceIndex(2), at(3s))) ==
          "InvalidNetworkInterface.InUse");
  REQUIRE(cause(site.model.assign({.eni = eni, .count = 3}, at(3s))) ==
          "PrivateIpAddressLimitExceeded");
  REQUIRE(site.model.assign({.eni = eni, .count = 1}, at(3s)));
  REQUIRE(site.model.assign({.eni = eni, .prefix_count = 1}, at(3s)));
  REQUIRE(cause(site.model.assign({.eni = eni, .count = 1}, at(3s))) ==
          "PrivateIpAddressLimitExceeded");
}

TEST_CASE("addresses are assigned all or none and unassigned all or none") {
  Site site("m5.large");
  const auto eni = site.attached();
  const auto added = site.model.assign({.eni = eni, .count = 3}, at(3s));
  REQUIRE(added);
  REQUIRE(added->addresses == std::vector{ip("10.0.1.6"), ip("10.0.1.7"), ip("10.0.1.8")});
  REQUIRE(cause(site.model.unassign(eni, {ip("10.0.1.7"), ip("10.0.1.99")}, {}, at(4s))) ==
          "InvalidParameterValue");
  REQUIRE(site.model.find_eni(eni)->addresses.size() == 4);
  REQUIRE(cause(site.model.unassign(eni, {ip("10.0.1.5")}, {}, at(4s))) == "InvalidParameterValue");
  REQUIRE(cause(site.model.unassign(eni, {}, {}, at(4s))) == "MissingParameter");
  REQUIRE(site.model.unassign(eni, {ip("10.0.1.7")}, {}, at(4s)));
  const auto again = site.model.assign({.eni = eni, .count = 1}, at(4s));
  REQUIRE(again->addresses == std::vector{ip("10.0.1.7")});  // the lowest free
  REQUIRE(cause(site.model.assign({.eni = eni}, at(4s))) == "MissingParameter");
  REQUIRE(cause(site.model.assign({.eni = eni, .count = 1, .prefix_count = 1}, at(4s))) ==
          "InvalidParameterCombination");
}

TEST_CASE("a freed address is taken last while it cools") {
  ModelOptions options;
  options.lags.address_reuse = 60s;
  Site site("m5.large", options);
  const auto eni = site.attached();
  REQUIRE(site.model.assign({.eni = eni, .count = 1}, at(3s)));
  REQUIRE(site.model.unassign(eni, {ip("10.0.1.6")}, {}, at(4s)));
  REQUIRE(site.model.assign({.eni = eni, .count = 1}, at(5s))->addresses ==
          std::vector{ip("10.0.1.7")});
  REQUIRE(site.model.assign({.eni = eni, .count = 1}, at(65s))->addresses ==
          std::vector{ip("10.0.1.6")});
}

TEST_CASE("an explicit address in use moves only when that is asked for") {
  Site site("m5.large");
  const auto eni = site.attached();
  const auto other = site.create(1, 1s);
  const auto wanted = other->addresses[1].ip;
  REQUIRE(cause(site.model.assign({.eni = eni, .addresses = {wanted}}, at(3s))) ==
          "InvalidParameterValue");
  REQUIRE(
      site.model.assign({.eni = eni, .addresses = {wanted}, .allow_reassignment = true}, at(3s)));
  REQUIRE(site.model.find_eni(other->id)->addresses.size() == 1);
  REQUIRE(site.model.find_eni(eni)->addresses.back().ip == wanted);
}

TEST_CASE("prefixes are whole /28s, never the first or the last") {
  ModelOptions options;
  Model model(options);
  const auto vpc = model.add_vpc({*net::Cidr::parse("10.1.0.0/16")}, at(0s));
  const auto subnet = model.add_subnet(
      {.vpc = vpc, .cidr = *net::Cidr::parse("10.1.0.0/26"), .zone = "us-west-2a"});
  REQUIRE(model.find_subnet(*subnet)->available_addresses == 59);
  const auto eni = model.create_interface({.subnet = *subnet, .prefix_count = 2}, at(0s));
  REQUIRE(eni);
  REQUIRE(to_string(eni->prefixes[0]) == "10.1.0.16/28");
  REQUIRE(to_string(eni->prefixes[1]) == "10.1.0.32/28");
  REQUIRE(model.find_subnet(*subnet)->available_addresses == 59 - 1 - 32);
  REQUIRE(cause(model.assign({.eni = eni->id, .prefix_count = 1}, at(0s))) ==
          "InsufficientCidrBlocks");
  REQUIRE(cause(model.assign({.eni = eni->id, .count = 27}, at(0s))) ==
          "InsufficientFreeAddressesInSubnet");
  REQUIRE(model.find_subnet(*subnet)->available_addresses == 26);  // nothing was kept
  REQUIRE(model.check());
  REQUIRE(model.unassign(eni->id, {}, {eni->prefixes[0]}, at(0s)));
  REQUIRE(model.find_subnet(*subnet)->available_addresses == 42);
  REQUIRE(model.check());
}

TEST_CASE("counts from clients are bounded before they are used") {
  Site site("m5.large");
  constexpr int kHuge = std::numeric_limits<int>::max();
  REQUIRE(cause(site.create(kHuge)) == "PrivateIpAddressLimitExceeded");
  REQUIRE(cause(site.create(-1)) == "InvalidParameterValue");
  REQUIRE(cause(site.model.create_interface({.subnet = site.subnet, .ipv6_count = kHuge},
                                            at(0s))) == "PrivateIpAddressLimitExceeded");
  const auto eni = site.instance.primary_eni;
  REQUIRE(cause(site.model.assign({.eni = eni, .count = kHuge}, at(0s))) ==
          "PrivateIpAddressLimitExceeded");
  REQUIRE(cause(site.model.assign({.eni = eni, .prefix_count = 0}, at(0s))) ==
          "InvalidParameterValue");
  REQUIRE(cause(site.model.assign_ipv6(eni, kHuge, kHuge, at(0s))) ==
          "PrivateIpAddressLimitExceeded");
  REQUIRE(cause(site.model.run_instance({.subnet = site.subnet, .secondary_addresses = kHuge},
                                        at(0s))) == "PrivateIpAddressLimitExceeded");
}

TEST_CASE("types without Nitro get no prefixes") {
  Site site("t2.micro");
  REQUIRE(cause(site.model.assign({.eni = site.instance.primary_eni, .prefix_count = 1}, at(1s))) ==
          "UnsupportedOperation");
}

TEST_CASE("a client token makes one ENI") {
  Site site;
  NewInterface wanted{.subnet = site.subnet, .client_token = "t1"};
  const auto first = site.model.create_interface(wanted, at(1s));
  const auto second = site.model.create_interface(wanted, at(2s));
  REQUIRE(first->id == second->id);
  wanted.description = "another";
  REQUIRE(cause(site.model.create_interface(wanted, at(3s))) == "IdempotentParameterMismatch");
}

TEST_CASE("what is unknown is named as EC2 names it") {
  Site site;
  const net::EniId none("eni-0ffffffffffffffff");
  REQUIRE(cause(site.model.create_interface({.subnet = net::SubnetId("subnet-0")}, at(0s))) ==
          "InvalidSubnetID.NotFound");
  REQUIRE(cause(site.model.create_interface(
              {.subnet = site.subnet, .groups = {net::SecurityGroupId("sg-0")}}, at(0s))) ==
          "InvalidGroup.NotFound");
  REQUIRE(cause(site.model.assign({.eni = none, .count = 1}, at(0s))) ==
          "InvalidNetworkInterfaceID.NotFound");
  REQUIRE(site.model.assign({.eni = none, .count = 1}, at(0s)).error().message ==
          "The networkInterface ID 'eni-0ffffffffffffffff' does not exist");
  REQUIRE(cause(site.model.attach(site.create()->id, net::InstanceId("i-0"), kCard,
                                  net::DeviceIndex(1), at(0s))) == "InvalidInstanceID.NotFound");
  REQUIRE(cause(site.model.create_tags({"eni-0"}, {{"a", "b"}}, at(0s))) ==
          "InvalidNetworkInterfaceID.NotFound");
  REQUIRE(cause(site.model.create_tags({to_string(site.instance.primary_eni)}, {{"aws:a", "b"}},
                                       at(0s))) == "InvalidParameterValue");
  const auto far = site.model.create_interface({.subnet = site.topology.subnets[1]}, at(0s));
  REQUIRE(cause(site.model.attach(far->id, site.instance.id, kCard, net::DeviceIndex(1), at(0s))) ==
          "InvalidParameterCombination");
}

TEST_CASE("termination takes what is marked and leaks the rest") {
  Site site("m5.large");
  const auto kept = site.attached();
  const auto gone = site.create();
  REQUIRE(site.model.attach(gone->id, site.instance.id, kCard, net::DeviceIndex(2), at(1s)));
  REQUIRE(site.model.set_delete_on_termination(
      gone->id, site.model.find_eni(gone->id)->attachment->id, true, at(2s)));
  (void)site.model.take_changes();
  REQUIRE(site.model.terminate_instance(site.instance.id, at(9s)));
  REQUIRE(site.model.find_eni(kept)->status == "available");
  REQUIRE(site.model.find_eni(gone->id) == nullptr);
  REQUIRE(site.model.find_eni(site.instance.primary_eni) == nullptr);
  REQUIRE(site.model.imds_enis(site.instance.id, at(9s)).empty());
  int links = 0;
  for (const auto& change : site.model.take_changes()) {
    const auto* link = std::get_if<LinkChange>(&change);
    links += link != nullptr && !link->attached ? 1 : 0;
  }
  REQUIRE(links == 3);
  REQUIRE(cause(site.model.terminate_instance(site.instance.id, at(9s))) ==
          "InvalidInstanceID.NotFound");
}

TEST_CASE("IMDS shows each change at its own time") {
  Site site("m5.large");
  const auto primary = site.instance.primary_eni;
  REQUIRE(site.model.assign({.eni = primary, .count = 1}, at(10s)));
  REQUIRE(site.model.imds_enis(site.instance.id, at(11999ms))[0].addresses.size() == 1);
  REQUIRE(site.model.imds_enis(site.instance.id, at(12s))[0].addresses.size() == 2);

  const auto eni = site.create(2, 20s);
  REQUIRE(site.model.attach(eni->id, site.instance.id, kCard, net::DeviceIndex(1), at(20s)));
  REQUIRE(site.model.imds_enis(site.instance.id, at(22299ms)).size() == 1);
  REQUIRE(site.model.imds_enis(site.instance.id, at(22300ms))[1].addresses.size() == 1);
  REQUIRE(site.model.imds_enis(site.instance.id, at(22800ms))[1].addresses.size() == 3);
}

TEST_CASE("IMDS faults: frozen, hidden, half gone") {
  Site site("m5.large");
  const auto eni = site.attached();
  site.model.advance(at(10s));
  const auto id = site.instance.id;
  auto& faults = site.model.imds_faults(id);
  faults.frozen = at(1s).steady;
  REQUIRE(site.model.imds_enis(id, at(10s)).size() == 1);
  faults.frozen.reset();
  REQUIRE(site.model.imds_enis(id, at(10s)).size() == 2);
  faults.hidden = {to_string(site.instance.address)};
  REQUIRE(site.model.imds_enis(id, at(10s))[0].addresses.empty());
  faults.hidden = {to_string(eni)};
  REQUIRE(site.model.imds_enis(id, at(10s)).size() == 1);
  faults.hidden.clear();
  REQUIRE(site.model.detach(site.model.find_eni(eni)->attachment->id, at(10s)));
  site.model.advance(at(60s));
  REQUIRE(site.model.imds_enis(id, at(60s)).size() == 1);
  faults.after_detach = ImdsFaults::Gone::half;
  const auto half = site.model.imds_enis(id, at(60s));
  REQUIRE(half.size() == 2);
  REQUIRE(std::count_if(half.begin(), half.end(), [](const auto& e) { return !e.device; }) == 1);
}

TEST_CASE("subnet faults") {
  Site site;
  site.model.edit_subnet(site.subnet)->fragmented = true;
  const auto eni = site.create();
  REQUIRE(cause(site.model.assign({.eni = eni->id, .prefix_count = 1}, at(0s))) ==
          "InsufficientCidrBlocks");
  site.model.edit_subnet(site.subnet)->full = true;
  REQUIRE(cause(site.create()) == "InsufficientFreeAddressesInSubnet");
}

TEST_CASE("a role's keys rotate before they expire and stay known") {
  Site site;
  const auto first = site.model.role_key(site.instance.id, at(0s));
  REQUIRE(site.model.role_key(site.instance.id, at(5h)).id == first.id);
  const auto second = site.model.role_key(site.instance.id, at(5h + 56min));
  REQUIRE(second.id != first.id);
  REQUIRE(site.model.find_key(first.id) != nullptr);
  REQUIRE(site.model.find_key("AKIANOBODY") == nullptr);
}

TEST_CASE("thousand random verbs keep the invariants") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    ModelOptions options;
    options.seed = seed;
    options.scattered = seed % 2 == 0;
    Site site("m5.large", options);
    std::uint64_t state = seed;
    const auto draw = [&](std::uint64_t n) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      return (state >> 33U) % n;
    };
    base::Duration now = 0s;
    for (int step = 0; step < 1000; ++step) {
      now += std::chrono::milliseconds(draw(3000));
      std::vector<Eni> enis;
      for (const auto& [id, eni] : site.model.enis()) {
        enis.push_back(eni);
      }
      const Eni& eni = enis[draw(enis.size())];
      switch (draw(6)) {
        case 0:
          (void)site.create(static_cast<int>(draw(12)), now);
          break;
        case 1:
          (void)site.model.attach(eni.id, site.instance.id, kCard,
                                  net::DeviceIndex(static_cast<int>(draw(4))), at(now));
          break;
        case 2:
          (void)site.model.assign({.eni = eni.id, .count = static_cast<int>(draw(6))}, at(now));
          break;
        case 3:
          (void)site.model.assign({.eni = eni.id, .prefix_count = static_cast<int>(draw(4))},
                                  at(now));
          break;
        case 4:
          (void)site.model.unassign(eni.id, {eni.addresses.back().ip}, eni.prefixes, at(now));
          break;
        default:
          if (eni.attachment) {
            (void)site.model.detach(eni.attachment->id, at(now));
          } else {
            (void)site.model.remove(eni.id, at(now));
          }
      }
      const auto sound = site.model.check();
      INFO((sound ? "" : sound.error().message));
      REQUIRE(sound);
    }
  }
}
