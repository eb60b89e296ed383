#include "agent/start.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

#include "agent/attached.h"
#include "agent/test_vpc.h"
#include "base/files.h"

namespace vpccni::agent {
namespace {

struct TemporaryDirectory {
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "vpccni-XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

const base::WallTime kNow{std::chrono::seconds(1700000000)};

}  // namespace

TEST_CASE("a missing checkpoint is an empty one") {
  const TemporaryDirectory directory;
  std::string trouble;
  const ipam::CheckpointFiles files{(directory.path / "ipam.json").string()};
  CHECK(read_checkpoint(files, kNow, trouble).assignments.empty());
  CHECK(trouble.empty());
}

TEST_CASE("a checkpoint that cannot be used is kept aside and named") {
  const TemporaryDirectory directory;
  const ipam::CheckpointFiles files{(directory.path / "ipam.json").string()};
  for (const auto* bytes :
       {"", "{\"version\":\"vpc-cni-ipam/9\"}", "\x01garbage", "{\"version\""}) {
    REQUIRE(base::write_file_durably(files.path, bytes));
    std::string trouble;
    CHECK(read_checkpoint(files, kNow, trouble).assignments.empty());
    CHECK(trouble.find(files.path) != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(files.path));
    CHECK(*base::read_file(files.path + ".unusable-1700000000") == bytes);
  }
}

TEST_CASE("a good checkpoint is read with what still cools, and kept as it was") {
  const TemporaryDirectory directory;
  const ipam::CheckpointFiles files{(directory.path / "ipam.json").string()};
  const ipam::Assignment one{
      {"aws-cni", "c", "eth0"}, {"d", "p", 1}, *net::Ip::parse("10.0.0.9"), {}};
  const auto bytes = ipam::format_checkpoint({one});
  REQUIRE(base::write_file_durably(files.path, bytes));
  REQUIRE(base::write_file_durably(
      files.recent(), ipam::format_recent({.cooling = {{*net::Ip::parse("10.0.0.10"), kNow}}})));
  std::string trouble;
  const auto read = read_checkpoint(files, kNow, trouble);
  CHECK(trouble.empty());
  CHECK(read.assignments == std::vector{one});
  CHECK(read.recent.cooling.size() == 1);
  CHECK(*base::read_file(files.previous()) == bytes);
}

TEST_CASE("one reading of EC2 and of IMDS serves all looks that were asked for before it") {
  test::VpcSite site;
  Listings listings;
  const auto asked = site.clock.now().steady;
  CHECK(listings.listed(site.edges, site.node, asked)->size() == 1);
  CHECK(listings.listed(site.edges, site.node, asked)->size() == 1);
  CHECK(site.calls("DescribeNetworkInterfaces") == 1);
  (void)site.attached(1, "aws-K8S-x", {});
  CHECK(listings.shown(site.edges, site.node, asked)->size() == 2);  // IMDS is another matter
  CHECK(listings.listed(site.edges, site.node, asked + std::chrono::seconds(1))->size() == 2);
  CHECK(site.calls("DescribeNetworkInterfaces") == 2);
}

TEST_CASE("ENIs of several network cards: each pool sees its own") {
  test::VpcSite site("p4d.24xlarge");
  site.node.settings.enable_multi_nic = true;
  REQUIRE(site.node.limits.cards.size() > 1);
  const auto id = site.make("aws-K8S-x", {});
  REQUIRE(site.model.attach(id, site.instance.id, net::NetworkCard(1), net::DeviceIndex(1),
                            site.clock.now()));
  site.model.advance(site.clock.now());
  const auto all = list_attached(site.edges, site.node);
  REQUIRE(all);
  CHECK(managed_cards(all->enis, site.node).size() == site.node.limits.cards.size());
  CHECK(attached_on(*all, net::NetworkCard(0)).enis.size() == 1);
  REQUIRE(attached_on(*all, net::NetworkCard(1)).enis.size() == 1);
  CHECK(attached_on(*all, net::NetworkCard(1)).enis.front().id == id);
  CHECK(attached_on(*all, net::NetworkCard(2)).enis.empty());

  const Node second = site.node.on_card(net::NetworkCard(1));
  const auto options = core_options(second, 0);
  CHECK(options.targets.warm_ips == 1);
  CHECK(options.targets.minimum_ips == 1);
  CHECK(options.targets.warm_enis == 0);
  site.node.settings.enable_multi_nic = false;
  CHECK(managed_cards(list_attached(site.edges, site.node)->enis, site.node).size() == 1);
}

}  // namespace vpccni::agent
