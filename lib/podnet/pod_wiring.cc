#include "podnet/pod_wiring.h"

#include <algorithm>
#include <cerrno>
#include <optional>

#include "linux/addresses.h"
#include "linux/neighbours.h"
#include "linux/routes.h"
#include "linux/rules.h"
#include "linux/sysctls.h"
#include "podnet/policy_rules.h"

namespace vpccni::podnet {

namespace {

constexpr std::size_t kMaxName = 15;  // IFNAMSIZ without its zero
// The gateway of index i ends in i + 1, and its table inside the pod is i: below `default` (253).
constexpr int kMaxIndex = 252;

/// The kernel would take an empty name or a "%d" as a pattern, and sysctl paths hold the name.
bool is_link_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxName && name != "." && name != ".." &&
         std::none_of(name.begin(), name.end(), [](char c) {
           return c == '/' || c == ':' || c == '%' || c <= ' ' || c == '\x7f';
         });
}

/// 169.254.1.<index + 1> or fe80::<index + 1>: no link has it, the neighbour entry answers for it.
net::Ip gateway(const PodLink& link) {
  const auto last = static_cast<std::uint32_t>(link.index + 1);
  if (link.address.is_v4()) {
    return net::Ip::v4(0xa9fe0100U | last);
  }
  return net::Ip::v6(
      {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(last)});
}

/// What was done is noted in `undo` also when another step failed.
Result<std::vector<linux::Reply>> run(linux::Netlink& netlink, const std::vector<Step>& steps,
                                      std::vector<linux::Request>& undo) {
  std::vector<linux::Request> requests;
  for (const Step& step : steps) {
    requests.push_back(step.request);
  }
  VPCCNI_TRY(auto replies, netlink.batch(requests));
  std::optional<Error> first;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const int number = replies[i].number;
    if (number == 0 && steps[i].undo) {
      undo.push_back(*steps[i].undo);
    }
    if (number != 0 && number != steps[i].tolerated && !first) {
      first = linux::outcome(steps[i].request, replies[i]).error();
    }
  }
  if (first) {
    return *std::move(first);
  }
  return replies;
}

}  // namespace

Result<> check(const PodLink& link) {
  for (const std::string& name : {link.host_veth, link.container_link}) {
    if (!is_link_name(name)) {
      return Error{Errc::invalid_argument, "\"" + name + "\" is not a link name"};
    }
  }
  if (link.index < 0 || link.index > kMaxIndex) {
    return Error{Errc::invalid_argument, "interface index " + std::to_string(link.index)};
  }
  if (link.host_mac.empty() || (link.host_mac.bytes()[0] & 1U) != 0) {
    return Error{Errc::invalid_argument,
                 to_string(link.host_mac) + " is not the MAC address of a link"};
  }
  return {};
}

Result<Wiring> Wiring::open(const std::string& netns_path) {
  VPCCNI_TRY(PodSides sides, open_sides(netns_path));
  return Wiring(std::move(sides));
}

void Wiring::undo() {
  // Ignoring failures: what is gone already is fine, and the first error is what is reported.
  for (auto request = undo_pod_.rbegin(); request != undo_pod_.rend(); ++request) {
    (void)pod_.remove(*request);
  }
  for (auto request = undo_host_.rbegin(); request != undo_host_.rend(); ++request) {
    (void)host_.remove(*request);
  }
}

Result<std::vector<linux::Reply>> Wiring::run_on_host(const std::vector<Step>& steps) {
  return run(host_, steps, undo_host_);
}

/// An earlier ADD of the same pod left its pair: removing one end removes the other and the routes
/// of both. A link that is something else stays, and is an error.
Result<> Wiring::remove_stale_link(const PodLink& link, const linux::Reply& host_end) {
  const auto stale = host_end.number == 0 && !host_end.objects.empty()
                         ? linux::parse_link(host_end.objects.front())
                         : std::nullopt;
  auto inside = linux::get_link(pod_, link.container_link);
  const bool is_pair = stale && inside && inside->peer == stale->index &&
                       stale->peer == inside->index && inside->kind == "veth";
  if (inside && !is_pair) {
    return Error{Errc::already_exists,
                 "the pod's namespace has a link " + link.container_link + " already", "EEXIST"};
  }
  if (!stale) {
    return {};  // gone meanwhile
  }
  if (stale->kind != "veth") {
    return Error{Errc::already_exists,
                 "the host has a link " + link.host_veth + " that is not a veth", "EEXIST"};
  }
  VPCCNI_CHECK(host_.remove(linux::delete_link(stale->index)));
  return {};
}

Result<linux::Link> Wiring::create_link(const PodLink& link) {
  // Both addresses are given so that nothing in user space finds a reason to change them.
  const std::vector<linux::Request> requests = {
      linux::create_veth({.name = link.host_veth,
                          .mac = link.host_mac,
                          .peer_name = link.container_link,
                          .peer_mac = host_veth_mac(to_string(link.host_mac), link.container_link),
                          .mtu = link.mtu,
                          .peer_netns = netns_.fd()}),
      linux::get_link(link.host_veth)};
  VPCCNI_TRY(auto replies, host_.batch(requests));
  if (replies[0].number == EEXIST) {
    VPCCNI_CHECK(remove_stale_link(link, replies[1]));
    VPCCNI_TRY(replies, host_.batch(requests));
  }
  VPCCNI_CHECK(linux::outcome(requests[0], replies[0]));
  VPCCNI_CHECK(linux::outcome(requests[1], replies[1]));
  auto created =
      replies[1].objects.empty() ? std::nullopt : linux::parse_link(replies[1].objects.front());
  if (!created) {
    return Error{Errc::corrupt, requests[1].what + ": no answer"};
  }
  undo_host_.push_back(linux::delete_link(created->index));
  return *std::move(created);
}

Result<> Wiring::prepare_host_end(const PodLink& link, net::IfIndex host_end) {
  // Before the pod's end is up and could send a router advertisement.
  const std::string conf = "net/ipv6/conf/" + link.host_veth + "/";
  VPCCNI_CHECK(linux::set_sysctl_if_present(conf + "accept_ra", "0"));
  VPCCNI_CHECK(linux::set_sysctl_if_present(conf + "accept_redirects", "1"));
  VPCCNI_CHECK(linux::set_sysctl_if_present(conf + "forwarding", "0"));
  if (!link.address.is_v4()) {
    // Without an address of its own it could not ask for the pod, and the kernel's is of use only
    // after a second of looking for duplicates.
    VPCCNI_CHECK(linux::set_sysctl_if_present(conf + "accept_dad", "0"));
    linux::Address own = linux::address_of(host_end, {net::link_local(link.host_mac), 64});
    own.scope = linux::Scope::link;
    own.is_unique = true;
    VPCCNI_CHECK(host_.ensure(linux::add_address(own)));
  }
  return {};
}

/// The host's end tells the index of its peer; old kernels leave it out.
Result<net::IfIndex> Wiring::pod_end(const PodLink& link, const linux::Link& host_end) {
  if (host_end.peer.value() > 0) {
    return host_end.peer;
  }
  VPCCNI_TRY(const auto found, linux::get_link(pod_, link.container_link));
  return found.index;
}

Result<> Wiring::configure_pod(const PodLink& link, const linux::Link& host_end) {
  VPCCNI_TRY(const net::IfIndex end, pod_end(link, host_end));
  const net::Ip via = gateway(link);
  const bool first = link.index == 0;
  const net::TableId table =
      first ? net::kMainTable : net::TableId(static_cast<std::uint32_t>(link.index));
  if (!link.address.is_v4()) {
    // The address is unique by construction: waiting for its duplicates would cost seconds.
    VPCCNI_CHECK(linux::with_netns(netns_, [&]() -> Result<> {
      const std::string conf = "net/ipv6/conf/" + link.container_link;
      VPCCNI_CHECK(linux::set_sysctl_if_present(conf + "/disable_ipv6", "0"));
      VPCCNI_CHECK(linux::set_sysctl_if_present("net/ipv6/conf/lo/disable_ipv6", "0"));
      return linux::set_sysctl_if_present(conf + "/accept_dad", "0");
    }));
  }
  linux::Address address = linux::address_of(end, {link.address, link.address.bits()});
  address.is_unique = !link.address.is_v4();
  std::vector<Step> steps = {
      {.request = linux::change_link(end, {.up = true})},
      {.request = linux::add_address(address)},
      {.request = linux::replace_route({.destination = net::Cidr::host(via),
                                        .table = table,
                                        .link = end,
                                        .scope = linux::Scope::link})},
      {.request = linux::add_route(
           {.destination = net::Cidr(via, 0), .table = table, .link = end, .gateway = via})},
      {.request = linux::add_neighbour(end, via, host_end.mac)}};
  if (!first) {
    const linux::Rule source = rule_from(link.address, table, kInsidePod);
    steps.push_back({.request = linux::add_rule(source),
                     .tolerated = EEXIST,
                     .undo = linux::delete_rule(source)});
  }
  VPCCNI_CHECK(run(pod_, steps, undo_pod_));
  return {};
}

Result<linux::Link> Wiring::create(const PodLink& link) {
  VPCCNI_TRY(linux::Link host_end, create_link(link));
  VPCCNI_CHECK(prepare_host_end(link, host_end.index));
  return host_end;
}

}  // namespace vpccni::podnet
