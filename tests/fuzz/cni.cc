// What a container runtime hands to the plugin: the CNI variables as NAME=VALUE lines, an empty
// line, then stdin. '1' instead of '0' in front: CNI_ARGS alone.

#include <sstream>

#include "cni/config.h"
#include "cni/egress_config.h"
#include "cni/request.h"
#include "cni/result.h"
#include "cni/version.h"
#include "tests/fuzz/fuzz.h"

namespace vpccni {
namespace {

using fuzz::require;

std::string pick(const std::string& text, const char* fallback) {
  return text.empty() ? fallback : text;
}

/// A result that we would print for this request comes back whole as the next call's prevResult.
void check_round_trip(const cni::Request& request, const cni::PluginConfig& config) {
  const cni::Added added{
      {{config.veth_prefix + "0123456789a", request.ifname, request.netns,
        net::Ip::v4(static_cast<std::uint32_t>(request.input.size())), net::kMainTable},
       {config.veth_prefix + "0123456789b", "mNicIf1", request.netns,
        *net::Ip::parse("2001:db8::5"), net::TableId(2)}},
      "dummy0123456789a",
      {},
      static_cast<int>(request.args.size())};
  const auto printed = base::parse_json(cni::to_json(added, request.cni_version));
  require(printed.has_value(), "a printed result is JSON");
  base::Json next = request.config;
  next["prevResult"] = *printed;
  const auto back = cni::parse_prev_result(next, request.cni_version);
  require(back.has_value(), "a printed result is read again");
  if (!cni::at_least(request.cni_version, "0.3.0")) {
    require(!*back, "old results have no interfaces");
    return;
  }
  require(back->has_value() && (*back)->ips.size() == 2 && (*back)->interfaces.size() == 5,
          "a printed result is read whole");
  for (std::size_t i = 0; i < 2; ++i) {
    const auto& ip = (*back)->ips[i];
    require(ip.address == added.interfaces[i].address, "addresses come back");
    require(ip.interface && (*back)->interfaces[static_cast<std::size_t>(*ip.interface)].mac ==
                                to_string(added.interfaces[i].table),
            "tables come back");
  }
}

void check_egress(const cni::Request& request) {
  const auto config = cni::parse_egress_config(request.config);
  if (!config) {
    return;
  }
  require(!config->enabled || config->addresses, "egress that is on has addresses");
  if (config->addresses) {
    require(config->addresses->subnet.family() == config->family, "addresses are of one family");
    require(config->addresses->directory.front() == '/', "the directory is absolute");
  }
  const auto* prev = base::find_member(request.config, "prevResult");
  if (prev != nullptr && prev->is_object()) {
    const auto out = cni::with_interfaces(*prev, {{"v", "m", ""}}, request.cni_version);
    require(!cni::at_least(request.cni_version, "0.3.0") || out["interfaces"].back()["name"] == "v",
            "an end is appended");
  }
}

void check_request(const cni::Request& request) {
  require(cni::is_supported(pick(request.cni_version, "0.1.0")), "only known versions get in");
  if (request.verb == cni::Verb::version) {
    return;
  }
  require(request.config.is_object() && !request.network_name.empty(), "a configuration got in");
  require(request.network_name.find('/') == std::string::npos, "a network's name is a file's name");
  const bool of_a_container = request.verb == cni::Verb::add || request.verb == cni::Verb::del ||
                              request.verb == cni::Verb::check;
  require(!of_a_container || request.ifname.size() <= 15, "a link's name fits the kernel");
  if (const auto prev = cni::parse_prev_result(request.config, request.cni_version);
      prev && *prev) {
    for (const auto& ip : (*prev)->ips) {
      require(!ip.interface || static_cast<std::size_t>(*ip.interface) < (*prev)->interfaces.size(),
              "an index is one of the interfaces");
    }
    (void)cni::find_interface(**prev, request.ifname);
  }
  const auto config = cni::parse_config(request.config);
  if (config) {
    require(config->mtu >= 576 && config->mtu <= 9001, "the MTU is usable");
    require(config->veth_prefix.size() <= 4, "the prefix leaves room");
    check_round_trip(request, *config);
  }
  (void)cni::parse_args(request.args);
  check_egress(request);
}

void check_args(std::string_view input) {
  const auto args = cni::parse_args(std::string(input));
  if (args) {
    require(args->pod.find(';') == std::string::npos, "pairs are split");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  if (fuzz::take_choice(input, 2) == 1) {
    check_args(input);
    return 0;
  }
  const auto environment = fuzz::take_environment(input);
  std::istringstream in{std::string(input)};
  const auto read = cni::read_request(environment, in);
  if (const auto* request = std::get_if<cni::Request>(&read)) {
    check_request(*request);
  } else if (const auto* failure = std::get_if<cni::Failure>(&read)) {
    require(base::parse_json(cni::to_json(*failure)).has_value(), "a failure is printed as JSON");
  }
  return 0;
}

}  // namespace vpccni
