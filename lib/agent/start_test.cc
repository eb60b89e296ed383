#include "agent/start.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

#include "agent/choose_subnet.h"
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
  const CheckpointFiles files{(directory.path / "ipam.json").string()};
  CHECK(read_checkpoint(files, kNow, trouble).assignments.empty());
  CHECK(trouble.empty());
}

TEST_CASE("a checkpoint that cannot be used is kept aside and named") {
  const TemporaryDirectory directory;
  const CheckpointFiles files{(directory.path / "ipam.json").string()};
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
  const CheckpointFiles files{(directory.path / "ipam.json").string()};
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

TEST_CASE("subnets for a new ENI: the primary's and tagged ones, most free first") {
  const auto subnet = [](const char* id, int free, aws::Tags tags) {
    aws::Subnet one;
    one.id = net::SubnetId(id);
    one.available_addresses = free;
    one.tags = std::move(tags);
    return one;
  };
  const std::vector<aws::Subnet> all = {subnet("a", 5, {}), subnet("b", 50, {}),
                                        subnet("c", 9, {{"kubernetes.io/role/cni", "0"}})};
  const auto found = candidate_subnets(all, net::SubnetId("a"), true);
  REQUIRE(found.size() == 2);
  CHECK(found[0].id == net::SubnetId("c"));
  CHECK(candidate_subnets(all, net::SubnetId("a"), false).size() == 1);
  CHECK(candidate_subnets(all, net::SubnetId("x"), false).empty());
}

TEST_CASE("the lowest free device index of the card") {
  const auto at = [](int card, int device) {
    aws::Attachment one;
    one.card = net::NetworkCard(card);
    one.device = net::DeviceIndex(device);
    return one;
  };
  CHECK(free_device_index({at(0, 0), at(0, 2), at(1, 1)}, net::NetworkCard(0)) == 1);
  std::vector<aws::Attachment> full;
  for (int i = 0; i < 100; ++i) {
    full.push_back(at(0, i));
  }
  CHECK(free_device_index(full, net::NetworkCard(0)) == -1);
}

TEST_CASE("ENIs that are ours to manage") {
  Node node;
  node.identity.id = net::InstanceId("i-1");
  const auto eni = [](const char* id, const char* instance, int device, aws::Tags tags) {
    aws::Eni one;
    one.id = net::EniId(id);
    one.tags = std::move(tags);
    one.attachment.emplace();
    one.attachment->instance = net::InstanceId(instance);
    one.attachment->device = net::DeviceIndex(device);
    one.attachment->status = "attached";
    return one;
  };
  const aws::Tags no_manage = {{"node.k8s.amazonaws.com/no_manage", "true"}};
  auto managed = select_managed({eni("b", "i-1", 2, {}), eni("a", "i-1", 0, no_manage),
                                 eni("c", "i-1", 1, no_manage), eni("d", "i-2", 1, {})},
                                node);
  REQUIRE(managed.enis.size() == 2);
  CHECK(managed.enis[0].id == net::EniId("a"));  // the primary is always managed
  CHECK(managed.enis[1].id == net::EniId("b"));
  CHECK(managed.unmanaged == 1);
}

}  // namespace vpccni::agent
