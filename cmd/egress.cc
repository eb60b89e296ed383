// vpccni egress: the CNI plugin egress-cni, chained behind aws-cni. It gives pods of an IPv6
// cluster a way to the IPv4 world, and pods of an IPv4 cluster one to the IPv6 world (spec
// dataplane.md section 3).

#include "podnet/egress.h"
#include "cmd/command.h"
#include "cmd/plugin.h"
#include "cni/config.h"
#include "cni/egress_config.h"
#include "linux/netns.h"
#include "podnet/host_local.h"

namespace vpccni::cmd {

namespace {

podnet::RandomizeSnat randomize(const std::string& text) {
  return text == "none"         ? podnet::RandomizeSnat::none
         : text == "hashrandom" ? podnet::RandomizeSnat::hash
                                : podnet::RandomizeSnat::fully;
}

podnet::HostLocalOwner owner_of(const cni::Request& request) {
  return {request.container_id, request.ifname};
}

podnet::EgressOwner egress_owner(const cni::Request& request) {
  return {request.network_name, request.container_id};
}

/// An address of the range while it lives, unless it is kept.
class Reservation {
 public:
  static Result<Reservation> make(const cni::LocalAddresses& from, const cni::Request& request) {
    VPCCNI_TRY(auto range, podnet::HostLocalRange::of(from.subnet));
    range.gateway = from.gateway.value_or(range.gateway);
    range.first = from.first.value_or(range.first);
    range.last = from.last.value_or(range.last);
    if (!from.subnet.contains(range.first) || !from.subnet.contains(range.last) ||
        range.last < range.first) {
      return Error{Errc::invalid_argument,
                   "ipam: the range is not inside " + to_string(from.subnet)};
    }
    const auto owner = owner_of(request);
    VPCCNI_TRY(const auto ip, podnet::reserve_address(from.directory, range, owner));
    return Reservation(from.directory, owner, ip, range.gateway);
  }
  Reservation(Reservation&& other) noexcept
      : directory_(std::exchange(other.directory_, {})),
        owner_(std::move(other.owner_)),
        ip_(other.ip_),
        gateway_(other.gateway_) {}
  Reservation& operator=(Reservation&&) = delete;
  ~Reservation() {
    if (!directory_.empty()) {
      (void)podnet::release_addresses(directory_, owner_);  // ignoring: the runtime's DEL comes
    }
  }
  void keep() { directory_.clear(); }
  const net::Ip& ip() const { return ip_; }
  const net::Ip& gateway() const { return gateway_; }

 private:
  Reservation(std::string directory, podnet::HostLocalOwner owner, const net::Ip& ip,
              const net::Ip& gateway)
      : directory_(std::move(directory)), owner_(std::move(owner)), ip_(ip), gateway_(gateway) {}
  std::string directory_;  // empty: kept, or moved from
  podnet::HostLocalOwner owner_;
  net::Ip ip_;
  net::Ip gateway_;
};

Result<std::string> add(const cni::Request& request, const cni::EgressConfig& config) {
  const auto* prev = base::find_member(request.config, "prevResult");
  if (prev == nullptr || !prev->is_object()) {
    return Error{Errc::invalid_argument, "must be called as a chained plugin"};
  }
  VPCCNI_CHECK(cni::parse_prev_result(request.config, request.cni_version));
  if (!config.mtu) {
    return Error{Errc::invalid_argument, "failed to parse MTU: an integer expected"};
  }
  if (!config.enabled) {
    return base::dump_json(*prev, 4);
  }
  if (config.family == net::Family::v6 && (!config.node || !config.node->is_global_unicast())) {
    return Error{Errc::invalid_argument,
                 "global unicast IPv6 not found in host primary interface which is mandatory to "
                 "support IPv6 egress"};
  }
  // Before an address is taken: a sandbox that is gone is the runtime's fault and common.
  VPCCNI_CHECK(wrap(linux::Netns::open(request.netns), "network namespace of the pod"));
  const auto& addresses = *config.addresses;
  VPCCNI_TRY(auto reservation,
             wrap(Reservation::make(addresses, request), "running IPAM plugin failed"));
  const podnet::EgressPod pod{.owner = egress_owner(request),
                              .main_link = request.ifname,
                              .address = {reservation.ip(), addresses.subnet.length()},
                              .gateway = reservation.gateway(),
                              .via = addresses.routes,
                              .node = *config.node,
                              .mtu = *config.mtu,
                              .randomize = randomize(config.randomize)};
  VPCCNI_TRY(const auto ends, podnet::attach_egress(request.netns, pod));
  reservation.keep();
  return base::dump_json(
      cni::with_interfaces(*prev,
                           {{ends.host_link, to_string(ends.host_mac), ""},
                            {ends.container_link, to_string(ends.container_mac), request.netns}},
                           request.cni_version),
      4);
}

/// Chain and link first: an address that is free again must not have a chain any more. Egress that
/// was switched off since the ADD is known by the address that the pod still has.
Result<> del(const cni::Request& request, const cni::EgressConfig& config, const base::Log& log) {
  if (!config.addresses) {
    return {};
  }
  const auto& directory = config.addresses->directory;
  const auto owner = owner_of(request);
  if (!config.enabled) {
    const auto held = podnet::has_address(directory, owner);
    if (held && !*held) {
      return {};
    }
  }
  auto gone = podnet::detach_egress(config.family, egress_owner(request));
  if (!gone && gone.error().cause == "ENOENT") {
    return gone;  // no iptables: nothing can be cleaned up, and a retry may find it
  }
  if (!gone) {
    log.error("rules or links are left", {base::Field{"error", gone.error().message}});
  }
  return wrap(podnet::release_addresses(directory, owner), "running IPAM plugin failed");
}

Result<std::string> handle(const Invocation& invocation, const cni::Request& request) {
  if (request.verb != cni::Verb::add && request.verb != cni::Verb::del) {
    return std::string();  // the others succeed, as upstream's
  }
  VPCCNI_TRY(const auto config,
             wrap(cni::parse_egress_config(request.config), "failed to parse config"));
  const base::Log log = open_plugin_log(invocation, config.log_file, config.log_level);
  tell_call(log, request);
  if (request.verb == cni::Verb::del) {
    if (auto done = del(request, config, log); !done) {
      log.error("DEL failed", {base::Field{"error", done.error().message}});
      return std::move(done).error();
    }
    return std::string();
  }
  auto text = add(request, config);
  if (!text) {
    log.error("ADD failed", {base::Field{"error", text.error().message}});
    return text;
  }
  log.info("ADD done", {{"containerID", request.container_id}, {"result", *text}});
  return text;
}

}  // namespace

int run_egress(const Invocation& invocation) {
  return run_plugin(invocation, "egress CNI plugin", handle);
}

}  // namespace vpccni::cmd
