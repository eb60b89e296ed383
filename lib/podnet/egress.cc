#include "podnet/egress.h"

#include <cerrno>
#include <optional>
#include <vector>

#include "base/name_hash.h"
#include "linux/addresses.h"
#include "linux/iptables_variant.h"
#include "linux/links.h"
#include "linux/netlink_socket.h"
#include "linux/netns.h"
#include "linux/routes.h"
#include "linux/sysctls.h"
#include "podnet/apply_plan.h"
#include "podnet/pod.h"
#include "podnet/pod_sides.h"

namespace vpccni::podnet {

namespace {

using linux::Request;
using linux::Scope;

// Another link may have the name; then the next is tried.
constexpr int kNames = 10;
constexpr std::size_t kNameDigits = 8;

/// "veth" and 8 hex digits, as the veths of other plugins, but found again by the owner.
std::string host_link_name(net::Family family, const EgressOwner& owner, int number) {
  const std::string text = owner.network + "/" + owner.container_id + "/" +
                           std::string(egress_link_name(family)) + "/" + std::to_string(number);
  return "veth" + base::sha1_name_hex(text).substr(0, kNameDigits);
}

net::Mac host_mac(net::Family family, const EgressOwner& owner) {
  return host_veth_mac(owner.container_id, egress_link_name(family));
}

/// The host's own choice of variant: to look for another in each ADD would cost more than the ADD.
linux::Iptables installed_iptables(net::Family family) {
  return linux::iptables_of(linux::IptablesVariant::as_installed, family);
}

Result<> check(const EgressPod& pod) {
  const net::Family family = pod.address.address.family();
  if (pod.node.family() != family || pod.gateway.family() != family) {
    return Error{Errc::invalid_argument, "addresses of two families"};
  }
  if (pod.main_link.find_first_of("/") != std::string::npos || pod.main_link == "." ||
      pod.main_link == "..") {
    return Error{Errc::invalid_argument, "\"" + pod.main_link + "\" is not a link name"};
  }
  return {};
}

/// A pair of veths under construction.
class Attachment {
 public:
  static Result<Attachment> open(const std::string& netns_path, const EgressPod& pod);
  Result<EgressEnds> attach();
  void undo();

 private:
  Attachment(const EgressPod& pod, PodSides sides)
      : pod_(pod),
        netns_(std::move(sides.netns)),
        host_(std::move(sides.host)),
        inside_(std::move(sides.pod)) {}

  net::Family family() const { return pod_.address.address.family(); }
  Result<> create_links();
  Result<> prepare_sysctls();
  Result<> configure_host();
  Result<> configure_pod();
  std::vector<Request> pod_steps_v4() const;
  std::vector<Request> pod_steps_v6() const;

  const EgressPod& pod_;
  linux::Netns netns_;
  linux::Netlink host_;
  linux::Netlink inside_;
  EgressEnds ends_;
  net::IfIndex host_end_;
  net::IfIndex pod_end_;
};

Result<Attachment> Attachment::open(const std::string& netns_path, const EgressPod& pod) {
  VPCCNI_TRY(PodSides sides, open_sides(netns_path));
  const auto link = egress_link_name(pod.address.address.family());
  // Before anything is made: it may be of an ADD that holds.
  if (linux::get_link(sides.pod, link)) {
    return Error{Errc::already_exists,
                 "the pod's namespace has a link " + std::string(link) + " already", "EEXIST"};
  }
  return Attachment(pod, std::move(sides));
}

Result<> Attachment::create_links() {
  ends_.container_link = egress_link_name(family());
  ends_.host_mac = host_mac(family(), pod_.owner);
  ends_.container_mac = host_veth_mac(to_string(ends_.host_mac), ends_.container_link);
  for (int number = 0;; ++number) {
    ends_.host_link = host_link_name(family(), pod_.owner, number);
    const auto created = host_.apply(linux::create_veth({.name = ends_.host_link,
                                                         .mac = ends_.host_mac,
                                                         .peer_name = ends_.container_link,
                                                         .peer_mac = ends_.container_mac,
                                                         .mtu = pod_.mtu,
                                                         .peer_netns = netns_.fd()}));
    if (created) {
      break;
    }
    if (created.error().code != Errc::already_exists || number + 1 == kNames) {
      return created;
    }
  }
  VPCCNI_TRY(const auto host_end, linux::get_link(host_, ends_.host_link));
  host_end_ = host_end.index;
  VPCCNI_TRY(const auto pod_end, linux::get_link(inside_, ends_.container_link));
  pod_end_ = pod_end.index;
  return {};
}

Result<> Attachment::prepare_sysctls() {
  const std::string host = "net/ipv6/conf/" + ends_.host_link;
  VPCCNI_CHECK(linux::set_sysctl_if_present(host + "/accept_ra", "0"));
  if (family() == net::Family::v4) {
    return linux::set_sysctl("net/ipv4/ip_forward", "1");
  }
  VPCCNI_CHECK(linux::set_sysctl_if_present(host + "/accept_dad", "0"));
  return linux::with_netns(netns_, [&]() -> Result<> {
    const std::string conf = "net/ipv6/conf/";
    const std::string link = conf + ends_.container_link;
    VPCCNI_CHECK(linux::set_sysctl_if_present(conf + pod_.main_link + "/disable_ipv6", "1"));
    VPCCNI_CHECK(linux::set_sysctl_if_present(conf + "lo/disable_ipv6", "0"));
    VPCCNI_CHECK(linux::set_sysctl_if_present(link + "/disable_ipv6", "0"));
    VPCCNI_CHECK(linux::set_sysctl_if_present(link + "/accept_dad", "0"));
    return linux::set_sysctl_if_present(link + "/keep_addr_on_down", "1");
  });
}

Result<> Attachment::configure_host() {
  const net::Ip& address = pod_.address.address;
  linux::Address own = linux::address_of(host_end_, {pod_.gateway, pod_.gateway.bits()});
  if (family() == net::Family::v6) {
    own = linux::address_of(host_end_, {net::link_local(ends_.host_mac), 64});
    own.is_unique = true;
  }
  own.scope = Scope::link;
  // The kernel may have made the link-local address itself.
  VPCCNI_CHECK(host_.ensure(linux::add_address(own)));
  // A route to the address that exists is another pod's: veths take theirs with them.
  return host_.apply(linux::add_route(
      {.destination = net::Cidr::host(address), .link = host_end_, .scope = Scope::link}));
}

std::vector<Request> Attachment::pod_steps_v4() const {
  const net::Ip& source = pod_.address.address;
  std::vector<Request> steps = {
      linux::change_link(pod_end_, {.up = true}),
      linux::add_address(linux::address_of(pod_end_, pod_.address)),
      // Neighbours of the subnet are behind the host, not on this link.
      linux::delete_route(
          {.destination = pod_.address.network(), .link = pod_end_, .scope = Scope::nowhere}),
      linux::add_route({.destination = net::Cidr::host(pod_.gateway),
                        .link = pod_end_,
                        .scope = Scope::link,
                        .preferred_source = source}),
      linux::add_route({.destination = pod_.address.network(),
                        .link = pod_end_,
                        .gateway = pod_.gateway,
                        .preferred_source = source})};
  for (const net::Cidr& destination : pod_.via) {
    steps.push_back(
        linux::add_route({.destination = destination, .link = pod_end_, .gateway = pod_.gateway}));
  }
  return steps;
}

std::vector<Request> Attachment::pod_steps_v6() const {
  linux::Address address = linux::address_of(pod_end_, pod_.address);
  address.is_unique = true;
  return {linux::change_link(pod_end_, {.up = true}), linux::add_address(address),
          linux::add_route({.destination = net::Cidr(pod_.gateway, 0),
                            .link = pod_end_,
                            .gateway = net::link_local(ends_.host_mac)})};
}

Result<> Attachment::configure_pod() {
  return inside_.apply_all(family() == net::Family::v4 ? pod_steps_v4() : pod_steps_v6());
}

Result<EgressEnds> Attachment::attach() {
  const EgressSnat snat{pod_.owner, pod_.address.address, pod_.node, pod_.randomize};
  VPCCNI_CHECK(apply_plan(installed_iptables(family()), {"nat"}, [&](const auto& tables) {
    return plan_egress_snat(tables.front(), snat);
  }));
  VPCCNI_CHECK(create_links());
  VPCCNI_CHECK(prepare_sysctls());
  VPCCNI_CHECK(configure_host());
  VPCCNI_CHECK(wrap(configure_pod(), "inside the pod"));
  return ends_;
}

void Attachment::undo() {
  // Ignoring failures: the first error is what is reported, and the runtime's DEL comes.
  if (host_end_.value() > 0) {
    (void)host_.remove(linux::delete_link(host_end_));
  }
}

/// The host's link of an attach_egress, if it is still there.
Result<> remove_host_link(net::Family family, const EgressOwner& owner) {
  VPCCNI_TRY(linux::Netlink netlink, linux::Netlink::open());
  std::vector<Request> requests;
  for (int number = 0; number < kNames; ++number) {
    requests.push_back(linux::get_link(host_link_name(family, owner, number)));
  }
  VPCCNI_TRY(const auto replies, netlink.batch(requests));
  for (const auto& reply : replies) {
    const auto link =
        reply.objects.empty() ? std::nullopt : linux::parse_link(reply.objects.front());
    if (link && link->kind == "veth" && link->mac == host_mac(family, owner)) {
      VPCCNI_CHECK(netlink.remove(linux::delete_link(link->index)));
    }
  }
  return {};
}

}  // namespace

std::string_view egress_link_name(net::Family family) {
  return family == net::Family::v4 ? "v4if0" : "v6if0";
}

Result<EgressEnds> attach_egress(const std::string& netns_path, const EgressPod& pod) {
  VPCCNI_CHECK(check(pod));
  VPCCNI_TRY(Attachment attachment, Attachment::open(netns_path, pod));
  auto done = attachment.attach();
  if (!done) {
    attachment.undo();
    (void)detach_egress(pod.address.address.family(), pod.owner);
    return wrap(std::move(done).error(), "egress by " + to_string(pod.address.address));
  }
  return done;
}

Result<> detach_egress(net::Family family, const EgressOwner& owner) {
  const std::string chain = egress_chain(family, owner);
  auto rules = apply_plan(installed_iptables(family), {"nat"}, [&](const auto& tables) {
    return plan_egress_removal(tables.front(), chain);
  });
  auto link = remove_host_link(family, owner);
  return rules ? std::move(link) : Result<>(std::move(rules).error());
}

}  // namespace vpccni::podnet
