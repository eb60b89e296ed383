#include <algorithm>
#include <cerrno>
#include <optional>
#include <span>

#include "linux/addresses.h"
#include "linux/links.h"
#include "linux/neighbours.h"
#include "linux/netlink_socket.h"
#include "linux/netns.h"
#include "linux/routes.h"
#include "linux/rules.h"
#include "linux/sysctls.h"
#include "podnet/pod.h"
#include "podnet/pod_sides.h"
#include "podnet/policy_rules.h"

namespace vpccni::podnet {

namespace {

constexpr std::size_t kMaxName = 15;  // IFNAMSIZ without its zero
// The gateway of index i ends in i + 1, and its table inside the pod is i: below `default` (253).
constexpr int kMaxIndex = 252;

/// One request of a batch: the failure that is fine, and what takes its success back.
struct Step {
  linux::Request request;
  int tolerated = 0;  // errno
  std::optional<linux::Request> undo = {};
};

/// The kernel would take an empty name or a "%d" as a pattern, and sysctl paths hold the name.
bool is_link_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxName && name != "." && name != ".." &&
         std::none_of(name.begin(), name.end(), [](char c) {
           return c == '/' || c == ':' || c == '%' || c <= ' ' || c == '\x7f';
         });
}

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

/// 169.254.1.<index + 1> or fe80::<index + 1>: no link has it, the neighbour entry answers for it.
net::Ip gateway(const PodLink& link) {
  const auto last = static_cast<std::uint32_t>(link.index + 1);
  if (link.address.is_v4()) {
    return net::Ip::v4(0xa9fe0100U | last);
  }
  return net::Ip::v6(
      {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(last)});
}

/// Tables 0 and 1 mean the primary ENI (as the agent's protocol counts devices).
net::TableId table_of(const PodLink& link) {
  return link.table.value() <= 1 ? net::kMainTable : link.table;
}

/// The work of one attach_pod, and how to take it back.
class Attachment {
 public:
  static Result<Attachment> open(const std::string& netns_path);
  Result<> attach(const PodLink& link);
  void undo();

 private:
  explicit Attachment(PodSides sides)
      : netns_(std::move(sides.netns)), host_(std::move(sides.host)), pod_(std::move(sides.pod)) {}

  Result<linux::Link> create_link(const PodLink& link);
  Result<> remove_stale_link(const PodLink& link, const linux::Reply& host_end);
  Result<> configure_host(const PodLink& link, net::IfIndex host_end);
  Result<> configure_pod(const PodLink& link, const linux::Link& host_end);
  Result<net::IfIndex> pod_end(const PodLink& link, const linux::Link& host_end);

  linux::Netns netns_;
  linux::Netlink host_;
  linux::Netlink pod_;
  std::vector<linux::Request> undo_host_;
  std::vector<linux::Request> undo_pod_;
};

Result<Attachment> Attachment::open(const std::string& netns_path) {
  VPCCNI_TRY(PodSides sides, open_sides(netns_path));
  return Attachment(std::move(sides));
}

void Attachment::undo() {
  // Ignoring failures: what is gone already is fine, and the first error is what is reported.
  for (auto request = undo_pod_.rbegin(); request != undo_pod_.rend(); ++request) {
    (void)pod_.remove(*request);
  }
  for (auto request = undo_host_.rbegin(); request != undo_host_.rend(); ++request) {
    (void)host_.remove(*request);
  }
}

/// All steps in one send. What was done is noted in `undo` also when another step failed.
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

/// An earlier ADD of the same pod left its pair: removing one end removes the other and the routes
/// of both. A link that is something else stays, and is an error.
Result<> Attachment::remove_stale_link(const PodLink& link, const linux::Reply& host_end) {
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

Result<linux::Link> Attachment::create_link(const PodLink& link) {
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

Result<> Attachment::configure_host(const PodLink& link, net::IfIndex host_end) {
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

  const linux::Rule to_pod = rule_to_pod(link.address);
  const linux::Rule from_pod = rule_from(link.address, table_of(link), kFromPod);
  const linux::Rule stale = rule_from(link.address, net::TableId(), kFromPod);
  // The stale rule goes first here, because without a reading of all rules there is no other way
  // to hit it and not ours: no packet has this source yet, the pod's end is down and bare.
  std::vector<Step> steps = {
      {.request = linux::replace_route({.destination = net::Cidr::host(link.address),
                                        .link = host_end,
                                        .scope = linux::Scope::link})},
      {.request = linux::add_rule(to_pod), .tolerated = EEXIST, .undo = linux::delete_rule(to_pod)},
      {.request = linux::delete_rule(stale), .tolerated = ENOENT}};
  const std::size_t stale_step = steps.size() - 1;
  const bool has_table = table_of(link) != net::kMainTable;
  if (has_table) {
    steps.push_back({.request = linux::add_rule(from_pod),
                     .tolerated = EEXIST,
                     .undo = linux::delete_rule(from_pod)});
  }
  VPCCNI_TRY(const auto replies, run(host_, steps, undo_host_));
  if (replies[stale_step].number != 0) {
    return {};
  }
  // Where one was there may be more.
  if (!has_table) {
    return linux::delete_all_rules(host_, stale);
  }
  VPCCNI_TRY(const bool added, keep_only(host_, from_pod));
  if (added) {
    undo_host_.push_back(linux::delete_rule(from_pod));
  }
  return {};
}

/// The host's end tells the index of its peer; old kernels leave it out.
Result<net::IfIndex> Attachment::pod_end(const PodLink& link, const linux::Link& host_end) {
  if (host_end.peer.value() > 0) {
    return host_end.peer;
  }
  VPCCNI_TRY(const auto found, linux::get_link(pod_, link.container_link));
  return found.index;
}

Result<> Attachment::configure_pod(const PodLink& link, const linux::Link& host_end) {
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

Result<> Attachment::attach(const PodLink& link) {
  VPCCNI_TRY(const linux::Link host_end, create_link(link));
  VPCCNI_CHECK(configure_host(link, host_end.index));
  return wrap(configure_pod(link, host_end), "inside the pod");
}

}  // namespace

Result<> attach_pod(const std::string& netns_path, const std::vector<PodLink>& links) {
  for (const PodLink& link : links) {
    VPCCNI_CHECK(check(link));
  }
  VPCCNI_TRY(Attachment attachment, Attachment::open(netns_path));
  for (const PodLink& link : links) {
    if (auto done = attachment.attach(link); !done) {
      attachment.undo();
      return wrap(std::move(done), "attach " + link.container_link + " (" +
                                       to_string(link.address) + ") in " + netns_path);
    }
  }
  return {};
}

}  // namespace vpccni::podnet
