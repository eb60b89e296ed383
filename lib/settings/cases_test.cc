#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <functional>
#include <set>

#include "base/files.h"
#include "base/json.h"
#include "base/text.h"
#include "settings/settings.h"
#include "settings/table.h"

namespace vpccni::settings {

namespace {

std::filesystem::path source_tree() {
  return std::filesystem::path(__FILE__).parent_path() / "../..";
}

std::string text_of(SubnetTags value) {
  return value == SubnetTags::by_key ? "1.21" : "1.23";
}

std::string text_of(bool value) {
  return value ? "true" : "false";
}
std::string text_of(int value) {
  return std::to_string(value);
}
std::string text_of(const std::string& value) {
  return value;
}
std::string text_of(net::Mark value) {
  return to_string(value);
}
std::string text_of(const std::vector<net::Cidr>& value) {
  std::vector<std::string> parts;
  for (const auto& cidr : value) {
    parts.push_back(to_string(cidr));
  }
  return base::join(parts, ",");
}
std::string text_of(const std::map<std::string, std::string>& value) {
  return base::dump_json(base::Json(value));
}
std::string text_of(base::Level value) {
  const char* names[] = {"debug", "info", "warn", "error", "fatal"};
  return names[static_cast<std::size_t>(value)];
}
std::string text_of(RandomizeSnat value) {
  return value == RandomizeSnat::fully  ? "prng"
         : value == RandomizeSnat::hash ? "hashrandom"
                                        : "none";
}
std::string text_of(RpcPeers value) {
  return value == RpcPeers::root ? "root" : "any";
}
std::string text_of(Fips value) {
  return value == Fips::require ? "require" : "off";
}
std::string text_of(WarmMode value) {
  return value == WarmMode::fixed ? "fixed" : "adaptive";
}
std::string text_of(GrpcListen value) {
  return std::string(value.tcp ? "tcp" : "") + (value.tcp && value.unix_socket ? "," : "") +
         (value.unix_socket ? "unix" : "");
}

using Reader = std::function<std::string(const Settings&)>;

template <auto Member>
std::string read(const Settings& settings) {
  return text_of(settings.*Member);
}

const std::map<std::string, Reader, std::less<>>& readers() {
  static const std::map<std::string, Reader, std::less<>> all = {
      {"ADDITIONAL_ENI_TAGS", read<&Settings::additional_eni_tags>},
      {"ANNOTATE_POD_IP", read<&Settings::annotate_pod_ip>},
      {"AWS_EC2_ENDPOINT", read<&Settings::ec2_endpoint>},
      {"AWS_EXTERNAL_SERVICE_CIDRS", read<&Settings::external_service_cidrs>},
      {"AWS_MANAGE_ENIS_NON_SCHEDULABLE", read<&Settings::manage_enis_non_schedulable>},
      {"AWS_VPC_CNI_NODE_PORT_SUPPORT", read<&Settings::node_port_support>},
      {"AWS_VPC_ENI_MTU", read<&Settings::eni_mtu>},
      {"AWS_VPC_K8S_CNI_BACKING_STORE", read<&Settings::backing_store>},
      {"AWS_VPC_K8S_CNI_CONNMARK", read<&Settings::connmark>},
      {"AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", read<&Settings::custom_networking>},
      {"AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS", read<&Settings::exclude_snat_cidrs>},
      {"AWS_VPC_K8S_CNI_EXTERNALSNAT", read<&Settings::external_snat>},
      {"AWS_VPC_K8S_CNI_LOGLEVEL", read<&Settings::log_level>},
      {"AWS_VPC_K8S_CNI_LOG_FILE", read<&Settings::log_file>},
      {"AWS_VPC_K8S_CNI_RANDOMIZESNAT", read<&Settings::randomize_snat>},
      {"AWS_VPC_K8S_CNI_VETHPREFIX", read<&Settings::veth_prefix>},
      {"CLUSTER_ENDPOINT", read<&Settings::cluster_endpoint>},
      {"CLUSTER_NAME", read<&Settings::cluster_name>},
      {"DISABLE_INTROSPECTION", read<&Settings::disable_introspection>},
      {"DISABLE_LEAKED_ENI_CLEANUP", read<&Settings::disable_leaked_eni_cleanup>},
      {"DISABLE_METRICS", read<&Settings::disable_metrics>},
      {"DISABLE_NETWORK_RESOURCE_PROVISIONING", read<&Settings::disable_provisioning>},
      {"ENABLE_IMDS_ONLY_MODE", read<&Settings::imds_only>},
      {"ENABLE_IPv4", read<&Settings::enable_ipv4>},
      {"ENABLE_IPv6", read<&Settings::enable_ipv6>},
      {"ENABLE_MULTI_NIC", read<&Settings::enable_multi_nic>},
      {"ENABLE_POD_ENI", read<&Settings::enable_pod_eni>},
      {"ENABLE_PREFIX_DELEGATION", read<&Settings::enable_prefix_delegation>},
      {"ENABLE_SUBNET_DISCOVERY", read<&Settings::enable_subnet_discovery>},
      {"ENABLE_V6_EGRESS", read<&Settings::enable_v6_egress>},
      {"ENI_CONFIG_ANNOTATION_DEF", read<&Settings::eni_config_annotation>},
      {"ENI_CONFIG_LABEL_DEF", read<&Settings::eni_config_label>},
      {"HTTP_TIMEOUT", read<&Settings::http_timeout_seconds>},
      {"INTROSPECTION_BIND_ADDRESS", read<&Settings::introspection_bind_address>},
      {"IP_COOLDOWN_PERIOD", read<&Settings::ip_cooldown_seconds>},
      {"MANAGE_UNTAGGED_ENI", read<&Settings::manage_untagged_eni>},
      {"MAX_ENI", read<&Settings::max_eni>},
      {"MINIMUM_IP_TARGET", read<&Settings::minimum_ip_target>},
      {"MY_NODE_NAME", read<&Settings::my_node_name>},
      {"MY_POD_NAME", read<&Settings::my_pod_name>},
      {"NETWORK_POLICY_ENFORCING_MODE", read<&Settings::network_policy_mode>},
      {"POD_SECURITY_GROUP_ENFORCING_MODE", read<&Settings::pod_security_group_enforcing_mode>},
      {"VPCCNI_COOLDOWN_ADAPTIVE", read<&Settings::cooldown_adaptive>},
      {"VPCCNI_COUNT_COOLING_AS_FREE", read<&Settings::count_cooling_as_free>},
      {"VPCCNI_DATAPLANE_RECONCILE", read<&Settings::dataplane_reconcile>},
      {"VPCCNI_FIPS", read<&Settings::fips>},
      {"VPCCNI_GRPC_LISTEN", read<&Settings::grpc_listen>},
      {"VPCCNI_INSTANCE_LIMITS_FILE", read<&Settings::instance_limits_file>},
      {"VPCCNI_INTROSPECTION_SCRUB", read<&Settings::introspection_scrub>},
      {"VPCCNI_METRICS_PER_CIDR", read<&Settings::metrics_per_cidr>},
      {"VPCCNI_PD_FALLBACK", read<&Settings::pd_fallback>},
      {"VPCCNI_READY_MIN_IPS", read<&Settings::ready_min_ips>},
      {"VPCCNI_RPC_PEERS", read<&Settings::rpc_peers>},
      {"VPCCNI_SNAT_IPSET", read<&Settings::snat_ipset>},
      {"VPCCNI_SUBNET_TAGS", read<&Settings::subnet_tags>},
      {"VPCCNI_WARM_MODE", read<&Settings::warm_mode>},
      {"VPC_CNI_VERSION", read<&Settings::vpc_cni_version>},
      {"WARM_ENI_TARGET", read<&Settings::warm_eni_target>},
      {"WARM_IP_TARGET", read<&Settings::warm_ip_target>},
      {"WARM_PREFIX_TARGET", read<&Settings::warm_prefix_target>},
  };
  return all;
}

/// One line of tests/data/settings-cases.tsv for one variable.
struct Case {
  std::string name;
  std::string outcome;    // taken, noted, fatal, elsewhere, unneeded, nobody
  std::string effective;  // or, for elsewhere, the file
  std::vector<std::string> texts;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all = [] {
    std::vector<Case> out;
    const auto list = base::read_file((source_tree() / "tests/data/settings-cases.tsv").string());
    REQUIRE(list);
    for (const auto line : base::split(*list, '\n')) {
      if (line.empty() || line[0] == '#') {
        continue;
      }
      const auto parts = base::split(line, '\t');
      INFO(line);
      REQUIRE(parts.size() >= 3);
      std::vector<std::string> texts;
      if (parts.size() > 3) {
        const auto json = base::parse_json(parts[3]);
        REQUIRE(json);
        texts = json->get<std::vector<std::string>>();
        REQUIRE_FALSE(texts.empty());
      }
      for (const auto name : base::split(parts[0], ',')) {
        out.push_back({std::string(name), std::string(parts[1]), std::string(parts[2]), texts});
      }
    }
    return out;
  }();
  return all;
}

/// The notes that say something about the value; "not acted on yet" is about us.
std::vector<Note> notes_on_value(std::vector<Note> notes) {
  std::erase_if(notes, [](const Note& note) { return note.why == "is not acted on yet"; });
  return notes;
}

void check_case(const Case& one, const std::string& text) {
  INFO(one.name << "=\"" << text << "\" " << one.outcome);
  const auto reader = readers().find(one.name);
  REQUIRE(reader != readers().end());
  std::vector<Note> all;
  const Settings loaded = load({{one.name, text}}, all);
  const auto notes = notes_on_value(std::move(all));
  CHECK(reader->second(loaded) == one.effective);
  CHECK(notes.size() == (one.outcome == "taken" ? 0 : 1));
  for (const auto& note : notes) {
    CHECK(note.name == one.name);
    CHECK(note.fatal == (one.outcome == "fatal"));
    CHECK_FALSE(note.why.empty());
  }
}

}  // namespace

TEST_CASE("every value of every variable means what the list says") {
  for (const Case& one : cases()) {
    for (const auto& text : one.texts) {
      check_case(one, text);
    }
  }
}

TEST_CASE("no variable touches the setting of another") {
  for (const Case& one : cases()) {
    for (const auto& text : one.texts) {
      std::vector<Note> notes;
      const Settings loaded = load({{one.name, text}}, notes);
      for (const auto& [name, reader] : readers()) {
        INFO(one.name << "=\"" << text << "\" and " << name);
        CHECK((name == one.name || reader(loaded) == reader(Settings{})));
      }
    }
  }
}

TEST_CASE("every variable of the table has its cases") {
  for (const Setting& row : settings_table()) {
    INFO(row.name);
    std::set<std::string> outcomes;
    bool empty_text = false;
    bool other_than_default = false;
    for (const Case& one : cases()) {
      if (one.name == row.name) {
        outcomes.insert(one.outcome);
        empty_text =
            empty_text || std::find(one.texts.begin(), one.texts.end(), "") != one.texts.end();
        other_than_default =
            other_than_default ||
            (row.store != nullptr && readers().at(one.name)(Settings{}) != one.effective);
      }
    }
    const bool stored = row.store != nullptr;
    REQUIRE(stored == (outcomes.contains("taken") || outcomes.contains("fatal")));
    if (stored) {
      const bool any_text =
          row.kind == Kind::text || row.kind == Kind::path || row.kind == Kind::url;
      CHECK((row.acted || row.name == "VPCCNI_WARM_MODE"));
      CHECK(empty_text);
      CHECK(other_than_default);
      CHECK((any_text || outcomes.contains("noted") || outcomes.contains("fatal")));
    } else {
      REQUIRE(outcomes.size() == 1);
      CHECK(row.acted == !outcomes.contains("nobody"));
    }
  }
  for (const Case& one : cases()) {
    INFO(one.name);
    CHECK(find_setting(one.name) != nullptr);
  }
}

TEST_CASE("what another part reads is named there") {
  int found = 0;
  for (const Case& one : cases()) {
    if (one.outcome != "elsewhere" || one.effective == "libcurl") {
      continue;
    }
    INFO(one.name << " in " << one.effective);
    const auto source = base::read_file((source_tree() / one.effective).string());
    REQUIRE(source);
    CHECK(source->find('"' + one.name + '"') != std::string::npos);
    ++found;
  }
  CHECK(found > 20);
}

}  // namespace vpccni::settings
