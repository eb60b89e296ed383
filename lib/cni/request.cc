#include "cni/request.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "cni/version.h"

namespace vpccni::cni {

namespace {

constexpr std::size_t kLongestIfname = 15;

struct VerbRow {
  std::string_view name;
  Verb verb;
  bool has_container;  // CNI_CONTAINERID and CNI_IFNAME
  bool needs_netns;
  std::string_view since;  // first configuration version that allows it
};
constexpr std::array<VerbRow, 6> kVerbs = {{{"ADD", Verb::add, true, true, "0.1.0"},
                                            {"DEL", Verb::del, true, false, "0.1.0"},
                                            {"CHECK", Verb::check, true, true, "0.4.0"},
                                            {"GC", Verb::gc, false, false, "1.1.0"},
                                            {"STATUS", Verb::status, false, false, "1.1.0"},
                                            {"VERSION", Verb::version, false, false, "0.1.0"}}};

std::string variable(const Environment& environment, const std::string& name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// [A-Za-z0-9][A-Za-z0-9_.-]*
bool is_identifier(std::string_view text) {
  return !text.empty() && is_alphanumeric(text[0]) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alphanumeric(c) || c == '_' || c == '.' || c == '-'; });
}

Failure environment_failure(std::string msg, std::string details = {}) {
  return {Code::invalid_environment, std::move(msg), std::move(details)};
}

std::optional<Failure> check_required(const VerbRow& row, const Environment& environment) {
  std::string missing;
  const auto need = [&](bool required, const char* name) {
    if (required && variable(environment, name).empty()) {
      missing += (missing.empty() ? "" : ",") + std::string(name);
    }
  };
  need(row.has_container, "CNI_CONTAINERID");
  need(row.needs_netns, "CNI_NETNS");
  need(row.has_container, "CNI_IFNAME");
  need(row.verb != Verb::version, "CNI_PATH");
  if (!missing.empty()) {
    return environment_failure("required env variables [" + missing + "] missing");
  }
  return std::nullopt;
}

std::optional<Failure> check_ifname(std::string_view name) {
  if (name.size() > kLongestIfname) {
    return environment_failure("interface name is too long",
                               "interface name should be less than 16 characters");
  }
  if (name == "." || name == "..") {
    return environment_failure("interface name is . or ..");
  }
  if (std::any_of(name.begin(), name.end(), [](char c) {
        return c == '/' || c == ':' || std::string_view(" \t\n\v\f\r").find(c) != std::string::npos;
      })) {
    return environment_failure("interface name contains / or : or whitespace characters");
  }
  return std::nullopt;
}

std::optional<Failure> read_input(std::istream& in, std::string& into) {
  std::array<char, 65536> part{};
  while (in.read(part.data(), part.size()) || in.gcount() > 0) {
    into.append(part.data(), static_cast<std::size_t>(in.gcount()));
    if (into.size() > kStdinLimit) {
      return Failure{Code::decoding_failure, "network config on stdin is larger than 4 MiB"};
    }
  }
  if (in.bad()) {
    return Failure{Code::io_failure, "error reading from stdin"};
  }
  return std::nullopt;
}

std::optional<Failure> check_config(const VerbRow& row, Request& request) {
  auto parsed = base::parse_json(request.input);
  if (!parsed) {
    return Failure{Code::decoding_failure,
                   "error unmarshall network config: " + parsed.error().message};
  }
  request.config = *std::move(parsed);
  if (!request.config.is_object()) {
    return Failure{Code::decoding_failure,
                   "error unmarshall network config: a JSON object expected"};
  }
  request.network_name = base::string_member(request.config, "name");
  if (request.network_name.empty()) {
    return Failure{Code::invalid_network_config, "missing network name"};
  }
  if (!is_identifier(request.network_name)) {
    return Failure{Code::invalid_network_config, "invalid characters found in network name",
                   request.network_name};
  }
  if (row.has_container) {
    if (!is_identifier(request.container_id)) {
      return environment_failure("invalid characters in containerID", request.container_id);
    }
    if (auto bad = check_ifname(request.ifname)) {
      return bad;
    }
  }
  const auto* version = base::find_member(request.config, "cniVersion");
  request.cni_version = base::string_member(request.config, "cniVersion");
  if (version != nullptr && !version->is_string()) {
    return Failure{Code::decoding_failure,
                   "error unmarshall network config: cniVersion must be a string"};
  }
  if (request.cni_version.empty()) {
    request.cni_version = "0.1.0";
  }
  if (!is_supported(request.cni_version)) {
    std::string supported;
    for (const auto each : kVersions) {
      supported += (supported.empty() ? "\"" : " \"") + std::string(each) + "\"";
    }
    return Failure{Code::incompatible_version, "incompatible CNI versions",
                   "config is " + base::json_quote(request.cni_version) + ", plugin supports [" +
                       supported + "]"};
  }
  if (!at_least(request.cni_version, row.since)) {
    return Failure{Code::incompatible_version,
                   "config version does not allow " + std::string(row.name)};
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(Verb verb) {
  const auto row = std::find_if(kVerbs.begin(), kVerbs.end(),
                                [&](const VerbRow& one) { return one.verb == verb; });
  return row->name;
}

std::variant<Request, NoCommand, Failure> read_request(const Environment& environment,
                                                       std::istream& in) {
  const std::string command = variable(environment, "CNI_COMMAND");
  if (command.empty()) {
    return NoCommand{};
  }
  const auto* row = std::find_if(kVerbs.begin(), kVerbs.end(),
                                 [&](const VerbRow& each) { return each.name == command; });
  if (row == kVerbs.end()) {
    return environment_failure("unknown CNI_COMMAND: " + command.substr(0, 64));
  }
  Request request;
  request.verb = row->verb;
  if (auto bad = check_required(*row, environment)) {
    return *std::move(bad);
  }
  if (row->verb == Verb::version) {
    return request;
  }
  request.container_id = variable(environment, "CNI_CONTAINERID");
  request.netns = variable(environment, "CNI_NETNS");
  request.ifname = variable(environment, "CNI_IFNAME");
  request.args = variable(environment, "CNI_ARGS");
  request.path = variable(environment, "CNI_PATH");
  const std::string override_text = variable(environment, "CNI_NETNS_OVERRIDE");
  request.netns_override = override_text == "1" || base::iequals(override_text, "true");
  if (auto bad = read_input(in, request.input)) {
    return *std::move(bad);
  }
  if (auto bad = check_config(*row, request)) {
    return *std::move(bad);
  }
  return request;
}

Result<PodArgs> parse_args(const std::string& text) {
  PodArgs args;
  if (text.empty()) {
    return args;
  }
  bool ignore_unknown = false;
  std::vector<std::string> unknown;
  for (const auto pair : base::split(text, ';')) {
    const auto parts = base::split(pair, '=');
    if (parts.size() != 2) {
      return Error{Errc::invalid_argument, "ARGS: invalid pair " + base::json_quote(pair)};
    }
    const std::string_view key = parts[0];
    const std::string value(parts[1]);
    if (key == "IgnoreUnknown") {
      const bool yes = value == "1" || base::iequals(value, "true");
      if (!yes && value != "0" && !base::iequals(value, "false")) {
        return Error{
            Errc::invalid_argument,
            "ARGS: IgnoreUnknown must be 1, true, 0 or false, not " + base::json_quote(value)};
      }
      ignore_unknown = yes;
    } else if (key == "K8S_POD_NAME") {
      args.pod = value;
    } else if (key == "K8S_POD_NAMESPACE") {
      args.name_space = value;
    } else if (key == "K8S_POD_INFRA_CONTAINER_ID") {
      args.infra_container_id = value;
    } else if (key == "K8S_POD_UID") {
      args.uid = value;
    } else {
      unknown.emplace_back(pair);
    }
  }
  if (!unknown.empty() && !ignore_unknown) {
    return Error{Errc::invalid_argument, "ARGS: unknown args [" + base::join(unknown, ",") + "]"};
  }
  return args;
}

}  // namespace vpccni::cni
