#include "settings/settings.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>

#include "base/files.h"
#include "base/text.h"
#include "settings/table.h"

namespace vpccni::settings {

namespace {

Settings load_one(const std::string& name, const std::string& value, std::vector<Note>& notes) {
  notes.clear();
  return load({{name, value}}, notes);
}

Settings load_one(const std::string& name, const std::string& value) {
  std::vector<Note> notes;
  return load_one(name, value, notes);
}

std::string upstream_list() {
  const auto here = std::filesystem::path(__FILE__).parent_path();
  const auto text = base::read_file((here / "../../tests/data/upstream-settings.tsv").string());
  REQUIRE(text);
  return *text;
}

}  // namespace

TEST_CASE("the table has every variable of upstream with its default, and no other") {
  std::vector<std::string_view> upstream;
  const std::string list = upstream_list();
  for (const auto line : base::split(list, '\n')) {
    if (line.empty() || line[0] == '#') {
      continue;
    }
    const auto parts = base::split(line, '\t');
    REQUIRE(parts.size() == 3);
    INFO(parts[0]);
    const Setting* row = find_setting(parts[0]);
    REQUIRE(row != nullptr);
    CHECK((parts[2] == "sdk" || row->fallback == parts[1]));
    upstream.push_back(parts[0]);
  }
  CHECK(upstream.size() > 80);
  for (const Setting& row : settings_table()) {
    INFO(row.name);
    const bool ours = row.name.starts_with("VPCCNI_");
    CHECK(ours == (std::find(upstream.begin(), upstream.end(), row.name) == upstream.end()));
  }
}

TEST_CASE("the rows are sorted and complete") {
  const auto rows = settings_table();
  CHECK(std::is_sorted(rows.begin(), rows.end(),
                       [](const Setting& a, const Setting& b) { return a.name < b.name; }));
  for (const Setting& row : rows) {
    INFO(row.name);
    CHECK(row.help.ends_with('.'));
    CHECK_FALSE(to_string(row.kind).empty());
    CHECK_FALSE(to_string(row.scope).empty());
    if (row.store == nullptr ||
        (row.fallback.empty() && row.name.find("POLICY") != row.name.npos)) {
      continue;
    }
    Settings settings;
    if (!(row.fallback.empty() && row.empty == Empty::absent)) {
      CHECK_FALSE(row.store(row.fallback, settings).has_value());
    }
    CHECK(settings == Settings{});
  }
}

TEST_CASE("an empty environment gives the defaults without a note") {
  std::vector<Note> notes;
  CHECK(load({}, notes) == Settings{});
  CHECK(notes.empty());
}

TEST_CASE("booleans: the literals of Go, nothing else") {
  for (const auto text : {"1", "t", "T", "TRUE", "true", "True"}) {
    CHECK(load_one("DISABLE_METRICS", text).disable_metrics);
  }
  for (const auto text : {"0", "f", "F", "FALSE", "false", "False"}) {
    CHECK_FALSE(load_one("AWS_VPC_CNI_NODE_PORT_SUPPORT", text).node_port_support);
  }
  std::vector<Note> notes;
  for (const auto text : {"yes", "tRUE", " true", ""}) {
    INFO(text);
    CHECK_FALSE(load_one("DISABLE_METRICS", text, notes).disable_metrics);
    REQUIRE(notes.size() == 1);
    CHECK(notes[0].name == "DISABLE_METRICS");
    CHECK(notes[0].value == text);
    CHECK(notes[0].used == "false");
  }
}

TEST_CASE("booleans whose empty text is the same as absent") {
  std::vector<Note> notes;
  CHECK(load_one("AWS_VPC_CNI_NODE_PORT_SUPPORT", "", notes).node_port_support);
  CHECK(notes.empty());
  CHECK(load_one("AWS_VPC_CNI_NODE_PORT_SUPPORT", "no", notes).node_port_support);
  REQUIRE(notes.size() == 1);
  CHECK(to_string(notes[0]) ==
        "AWS_VPC_CNI_NODE_PORT_SUPPORT=\"no\" is neither true nor false; used instead: \"true\"");
}

TEST_CASE("targets") {
  CHECK(load_one("WARM_IP_TARGET", "5").warm_ip_target == 5);
  CHECK(load_one("WARM_IP_TARGET", "+5").warm_ip_target == 5);
  CHECK(load_one("WARM_ENI_TARGET", "0").warm_eni_target == 0);
  std::vector<Note> notes;
  for (const auto text : {"-1", "", "3.5", " 3", "0x3"}) {
    INFO(text);
    CHECK(load_one("WARM_ENI_TARGET", text, notes).warm_eni_target == 1);
    REQUIRE(notes.size() == 1);
    CHECK(notes[0].used == "1");
    CHECK(load_one("MINIMUM_IP_TARGET", text).minimum_ip_target == 0);
  }
  CHECK(load_one("MAX_ENI", "2").max_eni == 2);
  CHECK(load_one("MAX_ENI", "x").max_eni == -1);
  CHECK(load_one("IP_COOLDOWN_PERIOD", "0").ip_cooldown_seconds == 0);
  CHECK(load_one("IP_COOLDOWN_PERIOD", "-5").ip_cooldown_seconds == -5);
  CHECK(load_one("IP_COOLDOWN_PERIOD", "").ip_cooldown_seconds == 30);
  CHECK(load_one("HTTP_TIMEOUT", "9", notes).http_timeout_seconds == 10);
  CHECK(notes.size() == 1);
  CHECK(load_one("HTTP_TIMEOUT", "15").http_timeout_seconds == 15);
  CHECK(load_one("AWS_VPC_ENI_MTU", "1500").eni_mtu == 1500);
  CHECK(load_one("AWS_VPC_ENI_MTU", "9002", notes).eni_mtu == 9001);
  CHECK(notes.at(0).why == "is not between 576 and 9001");
}

TEST_CASE("lists of blocks keep what is good") {
  std::vector<Note> notes;
  const auto cidrs = load_one("AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS",
                              " 10.1.2.3/16,192.168.0.0/24, fd00::/8,10.0.0.0/33", notes)
                         .exclude_snat_cidrs;
  REQUIRE(cidrs.size() == 2);
  CHECK(to_string(cidrs[0]) == "10.1.0.0/16");
  CHECK(to_string(cidrs[1]) == "192.168.0.0/24");
  REQUIRE(notes.size() == 1);
  CHECK(notes[0].used == "10.1.0.0/16,192.168.0.0/24");
  CHECK(notes[0].why == "holds what is no IPv4 block: \"fd00::/8\", \"10.0.0.0/33\"");
}

TEST_CASE("texts") {
  CHECK(load_one("AWS_VPC_K8S_CNI_VETHPREFIX", "").veth_prefix.empty());
  CHECK(load_one("INTROSPECTION_BIND_ADDRESS", "").introspection_bind_address.empty());
  CHECK(load_one("AWS_VPC_K8S_CNI_LOG_FILE", "").log_file ==
        "/host/var/log/aws-routed-eni/ipamd.log");
  CHECK(load_one("AWS_VPC_K8S_CNI_LOGLEVEL", "WARN").log_level == base::Level::warn);
  CHECK(load_one("AWS_VPC_K8S_CNI_LOGLEVEL", "loud").log_level == base::Level::debug);
  CHECK(load_one("CLUSTER_NAME", "c1").cluster_name == "c1");
}

TEST_CASE("choices") {
  CHECK(load_one("AWS_VPC_K8S_CNI_RANDOMIZESNAT", "none").randomize_snat == RandomizeSnat::none);
  CHECK(load_one("AWS_VPC_K8S_CNI_RANDOMIZESNAT", "hashrandom").randomize_snat ==
        RandomizeSnat::hash);
  std::vector<Note> notes;
  CHECK(load_one("AWS_VPC_K8S_CNI_RANDOMIZESNAT", "NONE", notes).randomize_snat ==
        RandomizeSnat::fully);
  CHECK(notes.size() == 1);
}

TEST_CASE("the connection mark may have a base prefix") {
  const auto mark = [](const char* text) {
    return load_one("AWS_VPC_K8S_CNI_CONNMARK", text).connmark;
  };
  CHECK(mark("0x100") == net::Mark{0x100});
  CHECK(mark("256") == net::Mark{256});
  CHECK(mark("0b101") == net::Mark{5});
  CHECK(mark("0o17") == net::Mark{15});
  CHECK(mark("017") == net::Mark{15});
  CHECK(mark("0xffffffff") == net::Mark{0xffffffff});
  for (const auto bad : {"0", "-1", "0x100000000", "0x", "08", "mark", "", "--1"}) {
    INFO(bad);
    CHECK(mark(bad) == net::Mark{0x80});
  }
}

TEST_CASE("tags of ENIs") {
  std::vector<Note> notes;
  auto tags = load_one("ADDITIONAL_ENI_TAGS", R"({"team":"net","eks:eni:owner":"me"})", notes)
                  .additional_eni_tags;
  CHECK(tags == std::map<std::string, std::string>{{"eks:eni:owner", "me"}, {"team", "net"}});
  CHECK(notes.empty());
  tags = load_one("ADDITIONAL_ENI_TAGS", R"({"a":"b","x.k8s.amazonaws.com/y":"z"})", notes)
             .additional_eni_tags;
  CHECK(tags == std::map<std::string, std::string>{{"a", "b"}});
  REQUIRE(notes.size() == 1);
  CHECK(notes[0].used == R"({"a":"b"})");
  for (const auto bad : {"{", "[]", R"({"a":1})"}) {
    CHECK(load_one("ADDITIONAL_ENI_TAGS", bad, notes).additional_eni_tags.empty());
    CHECK(notes.size() == 1);
  }
}

TEST_CASE("the policy mode is checked and kept as written") {
  std::vector<Note> notes;
  CHECK(load_one("NETWORK_POLICY_ENFORCING_MODE", "Strict", notes).network_policy_mode == "Strict");
  CHECK(notes.empty());
  for (const auto bad : {"", "loose"}) {
    CHECK(load_one("NETWORK_POLICY_ENFORCING_MODE", bad, notes).network_policy_mode.empty());
    REQUIRE(notes.size() == 1);
    CHECK(notes[0].fatal);
  }
}

TEST_CASE("the meaning of subnet tags") {
  std::vector<Note> notes;
  CHECK(load_one("VPCCNI_SUBNET_TAGS", "1.23", notes).subnet_tags == SubnetTags::by_value);
  CHECK(load_one("VPCCNI_SUBNET_TAGS", "1.21", notes).subnet_tags == SubnetTags::by_key);
  CHECK(notes.empty());
  for (const auto bad : {"1.22", "value", "v1.23"}) {
    CHECK(load_one("VPCCNI_SUBNET_TAGS", bad, notes).subnet_tags == SubnetTags::by_key);
    REQUIRE(notes.size() == 1);
    CHECK(notes[0].used == "1.21");
  }
}

TEST_CASE("what is not acted on yet is said, unless it asks for the default") {
  std::vector<Note> notes;
  load_one("AWS_RETRY_MODE", "adaptive", notes);
  REQUIRE(notes.size() == 1);
  CHECK(to_string(notes[0]) ==
        "AWS_RETRY_MODE=\"adaptive\" is not acted on yet; used instead: \"standard\"");
  load_one("AWS_RETRY_MODE", "standard", notes);
  CHECK(notes.empty());
  load_one("AWS_SECRET_ACCESS_KEY", "hush", notes);
  CHECK(notes.empty());
}

TEST_CASE("scopes have their names") {
  CHECK(to_string(Scope::agent) == "agent");
  CHECK(to_string(Scope::entrypoint) == "entrypoint");
  CHECK(to_string(Scope::init) == "init");
  CHECK(to_string(Scope::aws) == "aws");
  CHECK(to_string(Scope::kubernetes) == "kubernetes");
}

TEST_CASE("a name that looks like ours and is not is named, its value is not") {
  std::vector<Note> notes;
  load({{"WARM_IP_TARGTE", "hush"}, {"VPCCNI_X", "1"}, {"PATH", "/bin"}}, notes);
  REQUIRE(notes.size() == 2);
  CHECK(to_string(notes[1]) == "WARM_IP_TARGTE=\"***\" is no setting of this program; ignored");
}

TEST_CASE("a note never shows a password") {
  std::vector<Note> notes;
  load_one("HTTP_PROXY", "http://me:hush@proxy:3128/a@b", notes);
  REQUIRE(notes.size() == 1);
  CHECK(notes[0].value == "http://***@proxy:3128/a@b");
  load_one("HTTP_PROXY", "me:hush@proxy", notes);
  CHECK(notes.at(0).value == "***@proxy");
  for (const Setting& row : settings_table()) {
    INFO(row.name);
    const bool hidden = row.name.find("SECRET") != row.name.npos ||
                        row.name == "AWS_SESSION_TOKEN" ||
                        row.name == "AWS_CONTAINER_AUTHORIZATION_TOKEN";
    CHECK((row.kind == Kind::secret) == hidden);
  }
}

TEST_CASE("refusals") {
  Settings settings;
  CHECK(refusals(settings).size() == 1);  // neither family
  settings.enable_ipv4 = true;
  CHECK(refusals(settings).empty());
  settings.enable_prefix_delegation = true;
  settings.enable_ipv6 = true;
  CHECK(refusals(settings).size() == 1);  // both
  settings.enable_ipv4 = false;
  CHECK(refusals(settings).empty());
  settings.enable_prefix_delegation = false;
  CHECK(refusals(settings).size() == 1);  // IPv6 without prefixes
  settings.custom_networking = true;
  CHECK(refusals(settings).size() == 2);
  settings = {};
  settings.enable_ipv4 = true;
  for (const auto bad : {"eth", "lo", "vlan", "five5"}) {
    settings.veth_prefix = bad;
    CHECK(refusals(settings).size() == 1);
  }
}

}  // namespace vpccni::settings
