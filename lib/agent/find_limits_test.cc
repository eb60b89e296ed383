// Where the limits of an instance type come from, in order (spec users.md S15, agent.md Q15).
#include "agent/find_limits.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "agent/test_vpc.h"
#include "base/files.h"

namespace vpccni::agent {
namespace {

struct File {
  explicit File(const std::string& text) {
    std::string pattern = (std::filesystem::temp_directory_path() / "vpccni-XXXXXX").string();
    directory = ::mkdtemp(pattern.data());
    path = (directory / "limits.json").string();
    REQUIRE(base::write_file_durably(path, text));
  }
  ~File() { std::filesystem::remove_all(directory); }
  std::filesystem::path directory;
  std::string path;
};

std::optional<aws::InstanceLimits> built_in(const std::string& type) {
  return aws::instance_limits(type);
}

FoundLimits find(test::VpcSite& site, const LimitsQuestion& question) {
  return find_limits(question, built_in, site.edges.ec2, site.clock, site.stop);
}

TEST_CASE("limits: a mounted file wins over the table") {
  test::VpcSite site;
  const File file(R"({"m5.large":{"e":2,"i":5,"d":0,"c":[[0,2]],"h":"nitro","b":false}})");
  const auto found = find(site, {"m5.large", file.path});
  CHECK(found.source == LimitsSource::file);
  CHECK(found.limits.enis == 2);
  CHECK(found.limits.ipv4_per_eni == 5);
  CHECK(found.warnings.empty());
  const auto other = find(site, {"m5.xlarge", file.path});  // not in the file
  CHECK(other.source == LimitsSource::built_in);
  CHECK(other.limits.enis == 4);
  CHECK(other.warnings.empty());
  CHECK(site.model.faults().calls().empty());
}

TEST_CASE("limits: a file that cannot be used is named and ignored") {
  for (const char* text :
       {"", "{", "[]", "7", R"({"m5.large":7})", R"({"m5.large":{"e":0,"i":5,"d":0,"c":[[0,2]]}})",
        R"({"m5.large":{"e":2,"i":5,"d":0,"c":[]}})",
        R"({"m5.large":{"e":4294967298,"i":5,"d":0,"c":[[0,2]]}})",
        R"({"m5.large":{"e":2,"i":5,"d":0,"c":[[0,99999999999]]}})",
        R"({"m5.large":{"e":2,"i":5,"d":-1,"c":[[0,2]]}})",
        R"({"m5.large":{"e":2,"i":5,"d":0,"c":[[0,2,3]]}})"}) {
    INFO(text);
    test::VpcSite site;
    const File file(text);
    const auto found = find(site, {"m5.large", file.path});
    CHECK(found.source == LimitsSource::built_in);
    CHECK(found.limits.enis == 3);
    REQUIRE(found.warnings.size() == 1);
    CHECK(found.warnings[0].find(file.path) != std::string::npos);
  }
  test::VpcSite site;
  const auto missing = find(site, {"m5.large", "/nonexistent/limits.json"});
  CHECK(missing.source == LimitsSource::built_in);
  CHECK(missing.warnings.size() == 1);
  const File huge("{" + std::string(5U << 20U, ' ') + "}");
  CHECK(find(site, {"m5.large", huge.path}).warnings.size() == 1);
}

TEST_CASE("limits: the whole data file can be mounted") {
  const auto here = std::filesystem::path(__FILE__).parent_path();
  const std::string data = (here / "../../data/instance-limits.json").string();
  test::VpcSite site;
  const auto found = find(site, {"p4d.24xlarge", data});
  CHECK(found.source == LimitsSource::file);
  CHECK(found.limits.enis == 15);
  CHECK(found.limits.cards == aws::instance_limits("p4d.24xlarge")->cards);
}

TEST_CASE("limits: EC2 is asked for a type that nobody here knows") {
  test::VpcSite site;
  const auto found = find(site, {"m9x.large", ""});
  CHECK(found.source == LimitsSource::ec2);
  CHECK(found.limits.enis == 3);
  CHECK(found.limits.ipv4_per_eni == 10);
  CHECK(found.warnings.empty());
  CHECK(site.calls("DescribeInstanceTypes") == 1);
}

TEST_CASE("limits: an unknown type starts with a careful guess, and says so") {
  test::VpcSite site;
  const auto found = find(site, {"z1.unheard-of", ""});
  CHECK(found.source == LimitsSource::assumed);
  CHECK(found.limits.enis == 3);
  CHECK(found.limits.ipv4_per_eni == 6);
  CHECK(found.limits.cards == std::vector{aws::CardLimit{net::NetworkCard(0), 3}});
  CHECK(found.limits.hypervisor == "unknown");
  CHECK_FALSE(found.limits.prefixes_supported());
  REQUIRE(found.warnings.size() == 2);  // EC2's answer, and what is assumed
  CHECK(found.warnings[1].find("VPCCNI_INSTANCE_LIMITS_FILE") != std::string::npos);
  CHECK(site.calls("DescribeInstanceTypes") == 1);
  CHECK(to_string(found.source) == "assumed");

  const auto offline = find(site, {"m9x.large", "", false});
  CHECK(offline.source == LimitsSource::assumed);
  CHECK(site.calls("DescribeInstanceTypes") == 1);
}

TEST_CASE("limits: what passes is waited for, a refusal is not") {
  test::VpcSite site;
  site.model.faults().add({.kind = vpc::FaultKind::throttle,
                           .action = "DescribeInstanceTypes",
                           .times = 8});  // three of the client's tries, three, two
  const auto found = find(site, {"m9x.large", ""});
  CHECK(found.source == LimitsSource::ec2);
  site.model.faults().add({.kind = vpc::FaultKind::deny, .action = "DescribeInstanceTypes"});
  const auto before = site.clock.now().steady;
  CHECK(find(site, {"m9x.large", ""}).source == LimitsSource::assumed);
  CHECK(site.clock.now().steady == before);
}

}  // namespace
}  // namespace vpccni::agent
