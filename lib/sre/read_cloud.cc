#include "sre/read_cloud.h"

#include <algorithm>

#include "aws/session.h"
#include "http/no_proxy.h"
#include "k8s/api_http.h"
#include "k8s/eni_config_name.h"
#include "settings/settings.h"
#include "sre/impatient.h"

namespace vpccni::sre {

namespace {

constexpr auto kImdsPatience = std::chrono::milliseconds(300);
constexpr auto kEc2Patience = std::chrono::milliseconds(700);
constexpr auto kApiPatience = std::chrono::milliseconds(700);
constexpr const char* kInstanceTag = "node.k8s.amazonaws.com/instance_id";

/// Beyond what the node has: ENIs that it has left behind, and room in its subnets. What EC2 does
/// not tell is not known.
void look_around(aws::Ec2& ec2, NodeView& view) {
  const auto left = ec2.network_interfaces(
      {{},
       {{"status", {"available"}},
        {std::string("tag:") + kInstanceTag, {to_string(view.instance->id)}}}});
  for (std::size_t i = 0; left && i < left->size(); ++i) {
    view.leaked.push_back((*left)[i].id);
  }
  const auto subnets = ec2.subnets(view.instance->vpc, view.instance->availability_zone);
  for (std::size_t i = 0; subnets && i < subnets->size(); ++i) {
    const auto& one = (*subnets)[i];
    const bool ours = std::any_of(view.enis.begin(), view.enis.end(),
                                  [&](const auto& eni) { return eni.subnet_ipv4 == one.cidr; });
    if (ours && one.available_addresses == 0) {
      view.full_subnets.push_back(one.id);
    }
  }
}

}  // namespace

void read_imds(const Sources& sources, NodeView& view) {
  const auto options = aws::session_options(sources.environment);
  if (!options) {
    view.imds_trouble = options.error().message;
    return;
  }
  Impatient client(http::make_curl_client({.user_agent = "vpccni"}), kImdsPatience);
  // One knock before the edge, which tries again with pauses.
  http::Request knock;
  knock.url = options->imds.endpoint;
  knock.proxy = false;
  const auto answer = client.send(knock, {});
  if (!answer) {
    view.imds_trouble = answer.error().message;
    return;
  }
  if (const auto theirs = aws::parse_http_date(http::header(answer->headers, "Date"))) {
    view.clock_ahead =
        std::chrono::duration_cast<std::chrono::seconds>(sources.clock.now().wall - *theirs)
            .count();
  }
  aws::ImdsHttp imds(client, sources.clock, options->imds);
  const auto mac = imds.get("meta-data/mac");
  if (!mac || !*mac) {
    view.imds_trouble = mac ? "no meta-data/mac" : mac.error().message;
    return;
  }
  if (const auto parsed = net::Mac::parse(**mac)) {
    view.primary_mac = *parsed;
  }
  auto enis = imds.enis();
  if (!enis) {
    view.imds_trouble = enis.error().message;
    return;
  }
  view.enis = *std::move(enis);
  view.imds_enis = view.enis;
  if (sources.ec2 == AskEc2::and_around) {
    if (auto identity = imds.identity()) {
      view.instance = *std::move(identity);
    }
  }
}

void ask_ec2(const Sources& sources, NodeView& view) {
  const bool complete = std::all_of(view.pods.begin(), view.pods.end(), [&](const PodRow& row) {
    return eni_of(view.enis, row.held.address) != nullptr;
  });
  if ((complete && sources.ec2 == AskEc2::when_needed) || view.enis.empty()) {
    return;
  }
  view.ec2_asked = true;
  auto options = aws::session_options(sources.environment);
  if (!options) {
    view.ec2_trouble = options.error().message;
    return;
  }
  options->attempts = 1;
  options->wrap_client = [](std::unique_ptr<http::Client> client) {
    return std::make_unique<Impatient>(std::move(client), kEc2Patience);
  };
  const auto session = aws::open_session(*options, sources.clock, nullptr);
  if (!session) {
    view.ec2_trouble = session.error().message;
    return;
  }
  aws::EniFilter filter;
  for (const auto& eni : view.enis) {
    filter.ids.push_back(eni.id);
  }
  const auto listed = (*session)->ec2().network_interfaces(filter);
  if (!listed) {
    view.ec2_trouble = listed.error().message;
    return;
  }
  if (sources.ec2 == AskEc2::and_around && view.instance) {
    look_around((*session)->ec2(), view);
  }
  for (const auto& one : *listed) {
    if (sources.permissions && view.instance && one.id == view.instance->primary_eni) {
      view.permissions = aws::ask_permissions(*(*session)->plain_ec2, *view.instance, one);
    }
  }
  for (const auto& one : *listed) {
    auto& alone = view.ec2_enis.emplace_back();
    alone.id = one.id;
    alone.prefixes = one.prefixes;
    alone.ipv6_prefixes = one.ipv6_prefixes;
    for (const auto& address : one.addresses) {
      alone.addresses.push_back(address.ip);
    }
    for (auto& eni : view.enis) {
      if (eni.id != one.id) {
        continue;
      }
      for (const auto& address : one.addresses) {
        if (std::find(eni.addresses.begin(), eni.addresses.end(), address.ip) ==
            eni.addresses.end()) {
          eni.addresses.push_back(address.ip);
        }
      }
      eni.prefixes.insert(eni.prefixes.end(), one.prefixes.begin(), one.prefixes.end());
      eni.ipv6_prefixes.insert(eni.ipv6_prefixes.end(), one.ipv6_prefixes.begin(),
                               one.ipv6_prefixes.end());
    }
  }
}

ApiSeen ask_api(const Sources& sources) {
  ApiSeen seen;
  const auto config = k8s::read_config(sources.environment);
  if (!config || !*config) {
    seen.trouble = config ? "" : config.error().message;
    return seen;
  }
  const auto text = [&](const char* name) {
    const auto at = sources.environment.find(name);
    return at == sources.environment.end() ? std::string() : at->second;
  };
  const bool proxy = !text("HTTPS_PROXY").empty() || !text("https_proxy").empty();
  const auto direct = text("NO_PROXY").empty() ? text("no_proxy") : text("NO_PROXY");
  if (proxy && !http::is_direct((*config)->url, direct)) {
    seen.by_proxy = (*config)->url;
  }
  k8s::ApiHttp api(
      std::make_unique<Impatient>(http::make_curl_client({.user_agent = "vpccni"}), kApiPatience),
      sources.clock, **config);
  const auto name = text("MY_NODE_NAME");
  if (name.empty()) {
    const auto version = api.version();
    seen.trouble = version ? "" : version.error().message;
  } else {
    const auto node = api.node(name);
    seen.trouble = node ? "" : node.error().message;
    std::vector<settings::Note> notes;
    const auto set = settings::load(sources.environment, notes);
    if (node && set.custom_networking) {
      const auto wanted = k8s::eni_config_name(node->labels, node->annotations, set);
      const auto found = api.eni_config(wanted.name);
      if (!found && found.error().code == Errc::not_found) {
        seen.missing_eni_config = '"' + wanted.name + "\" (" + wanted.from + ")";
      }
    }
  }
  return seen;
}

}  // namespace vpccni::sre
