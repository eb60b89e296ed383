#include "agent/eni_lifecycle.h"

#include <algorithm>

#include "agent/choose_subnet.h"
#include "agent/count_errors.h"
#include "agent/eni_place.h"
#include "agent/eni_tags.h"
#include "aws/ec2_error.h"
#include "base/retry.h"

namespace vpccni::agent {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Spec agent.md 5.1.
constexpr base::Backoff kDetach{
    .first = milliseconds(200), .max = seconds(60), .jitter = 0.15, .multiple = 2, .tries = 12};
constexpr base::Backoff kDelete{
    .first = milliseconds(500), .max = seconds(60), .jitter = 0.15, .multiple = 2, .tries = 12};
constexpr base::Backoff kDetached{
    .first = seconds(1), .max = seconds(16), .jitter = 0.15, .multiple = 2, .tries = 8};
/// The link appears 1-10 s after the attachment; asked for often at first, 60 s in all.
constexpr base::Backoff kLink{
    .first = milliseconds(50), .max = seconds(2), .jitter = 0.15, .multiple = 1.5, .tries = 40};

Result<> delete_eni(const Edges& edges, const net::EniId& id, const std::stop_token& stop) {
  auto removed = base::retry(
      edges.clock, kDelete, stop, [](const Error& e) { return e.code != Errc::not_found; },
      [&] { return edges.ec2.remove(id); });
  if (!removed && removed.error().code == Errc::not_found) {
    return {};
  }
  return wrap(std::move(removed), "delete " + to_string(id));
}

Result<> detach(const Edges& edges, const net::AttachmentId& id, const std::stop_token& stop) {
  auto detached = base::retry(
      edges.clock, kDetach, stop, [](const Error& e) { return e.code != Errc::not_found; },
      [&] { return edges.ec2.detach(id); });
  if (!detached && detached.error().code == Errc::not_found) {
    return {};
  }
  return wrap(std::move(detached), "detach " + to_string(id));
}

/// EC2 refuses to delete what is not off yet: asking costs less of the account's rate than refused
/// deletions. Best effort.
void wait_detached(const Edges& edges, const net::EniId& id, const std::stop_token& stop) {
  aws::EniFilter filter;
  filter.ids = {id};
  (void)base::retry(
      edges.clock, kDetached, stop, [](const Error& e) { return e.code == Errc::conflict; },
      [&]() -> Result<> {
        VPCCNI_TRY(const auto enis, edges.ec2.network_interfaces(filter));
        const bool on = !enis.empty() && enis.front().attachment;
        return on ? Result<>(Error{Errc::conflict, "still attached"}) : Result<>();
      });
}

/// Takes an ENI away again that was not attached. Deleted, never detached: when only the answer to
/// the attachment was lost, it is in use from here on, and reconcile sets it up. Its own failure is
/// logged: the first error is what counts.
void undo(const Edges& edges, const net::EniId& id, const std::stop_token& stop) {
  const auto removed = base::retry(edges.clock, kDelete, stop, aws::is_transient,
                                   [&] { return edges.ec2.remove(id); });
  if (!removed && removed.error().code != Errc::not_found) {
    count_refused(edges, "FreeENIDeleteErr", removed.error());  // both, as upstream
    count_refused(edges, "AllocENIDeleteErr", removed.error());
    edges.log.warn(
        "a half-made ENI was not removed; ignoring, reconcile or the next start sees to it",
        {{"eni", to_string(id)}, {"error", removed.error().message}});
  }
}

struct Created {
  aws::Eni eni;
  std::optional<net::Cidr> subnet;  // not known where EC2 does not list it
};

/// What fits into the subnet: one address is the ENI's own.
int fitting(int addresses, const aws::Subnet& subnet) {
  return std::clamp(subnet.available_addresses - 1, std::min(addresses, 1), addresses);
}

/// The family of the address by which the node knows an ENI: the pods', if it has one of that.
net::Family family_of(const Node& node, const aws::Eni& eni) {
  return eni.ipv6_addresses.empty() ? net::Family::v4 : node.family();
}

std::optional<net::Cidr> cidr_of(const aws::Subnet& subnet, net::Family family) {
  if (family == net::Family::v6) {
    return subnet.ipv6_cidr;
  }
  return subnet.cidr.length() > 0 ? std::optional(subnet.cidr) : std::nullopt;
}

/// Tries each candidate subnet; the last error if none works.
Result<Created> create_somewhere(const Edges& edges, const Node& node,
                                 const ipam::CreateEni& size) {
  VPCCNI_TRY(const auto place, place_of_new_eni(edges, node));
  Error last;
  for (const auto& subnet : place.subnets) {
    aws::NewEni wanted;
    wanted.subnet = subnet.id;
    wanted.groups = place.groups;
    wanted.description = "aws-K8S-" + to_string(node.identity.id);
    wanted.tags = new_eni_tags(node, edges.clock.now().wall);
    wanted.tracking = node.tracking;
    wanted.secondary_addresses = fitting(size.addresses, subnet);
    wanted.prefixes = size.prefixes;
    wanted.ipv6_addresses = node.family() == net::Family::v6 ? 1 : 0;
    auto eni = edges.ec2.create(wanted);
    if (eni) {
      const auto cidr = cidr_of(subnet, family_of(node, *eni));
      return Created{*std::move(eni), cidr};
    }
    last = wrap(std::move(eni).error(), "create an ENI in " + to_string(subnet.id));
  }
  return last;
}

/// The store may not know all that is on the card: what is being set up, or on its way off.
Result<aws::Attachment> attach_somewhere(const Edges& edges, const Node& node, const net::EniId& id,
                                         int places) {
  VPCCNI_TRY(const auto attachments,
             wrap(edges.ec2.attachments(node.identity.id), "list attachments"));
  const auto taken = std::count_if(attachments.begin(), attachments.end(),
                                   [&](const auto& one) { return one.card == node.card; });
  if (places > 0 && taken >= places) {
    return Error{Errc::exhausted, "no place is left for us on network card " +
                                      to_string(node.card) + ": " + std::to_string(taken) +
                                      " ENIs are attached, " + std::to_string(places) + " may be"};
  }
  const int index = free_device_index(attachments, node.card);
  if (index < 0) {
    return Error{Errc::exhausted, "no free device index on network card " + to_string(node.card)};
  }
  aws::Attachment attachment;
  attachment.card = node.card;
  attachment.device = net::DeviceIndex(index);
  attachment.instance = node.identity.id;
  VPCCNI_TRY(attachment.id,
             wrap(edges.ec2.attach(id, node.identity.id, node.card, attachment.device),
                  "attach " + to_string(id)));
  if (const auto marked = edges.ec2.delete_on_termination(id, attachment.id); !marked) {
    edges.log.warn("an ENI is not marked delete-on-termination yet; each look at EC2 tries again",
                   {{"eni", to_string(id)}, {"error", marked.error().message}});
  }
  return attachment;
}

}  // namespace

net::Ip primary_address(const aws::Eni& eni) {
  for (const auto& address : eni.addresses) {
    if (address.primary) {
      return address.ip;
    }
  }
  return eni.addresses.empty() ? net::Ip() : eni.addresses.front().ip;
}

std::vector<net::Cidr> pod_blocks(const aws::Eni& eni, net::Family family) {
  if (family == net::Family::v6) {
    return eni.ipv6_prefixes;  // one is enough for ever; a lost answer may have left a second
  }
  std::vector<net::Cidr> blocks = eni.prefixes;
  for (const auto& address : eni.addresses) {
    if (!address.primary) {
      blocks.push_back(net::Cidr::host(address.ip));
    }
  }
  return blocks;
}

ipam::EniFacts eni_facts(const aws::Eni& eni, const podnet::EniTable& table, const Node& node) {
  const net::DeviceIndex device = eni.attachment ? eni.attachment->device : net::DeviceIndex();
  const net::NetworkCard card = eni.attachment ? eni.attachment->card : net::NetworkCard();
  ipam::EniFacts facts;
  facts.id = eni.id;
  facts.primary = device.value() == 0 && card.value() == 0;
  facts.for_pods = !(facts.primary && node.settings.custom_networking);
  facts.trunk = eni.kind == aws::EniKind::trunk;
  facts.efa = eni.kind == aws::EniKind::efa;
  facts.device = device;
  facts.table = table.table;
  facts.primary_ip = primary_address(eni);
  return facts;
}

Result<net::Cidr> SubnetCidrs::of(const aws::Eni& eni) {
  const auto family = family_of(node_, eni);
  if (!shown_) {
    shown_ = edges_.imds.enis();  // one reading for all
  }
  if (*shown_) {
    for (const auto& one : **shown_) {
      const auto& cidr = family == net::Family::v4 ? one.subnet_ipv4 : one.subnet_ipv6;
      if (one.id == eni.id && cidr) {
        return *cidr;
      }
    }
  }
  VPCCNI_TRY(const auto subnets,
             wrap(edges_.ec2.subnets(node_.identity.vpc, node_.identity.availability_zone),
                  "list subnets"));
  for (const auto& subnet : subnets) {
    if (const auto cidr = cidr_of(subnet, family); subnet.id == eni.subnet && cidr) {
      return *cidr;
    }
  }
  return Error{Errc::not_found, "no CIDR known for " + to_string(eni.subnet)};
}

Result<ipam::EniReady> set_up_attached(const Edges& edges, const Node& node, const aws::Eni& eni,
                                       const net::Cidr& subnet, const std::stop_token& stop) {
  const net::Ip ip =
      family_of(node, eni) == net::Family::v6 ? eni.ipv6_addresses.front() : primary_address(eni);
  const auto card = eni.attachment ? eni.attachment->card : node.card;
  const auto device = eni.attachment ? eni.attachment->device : net::DeviceIndex();
  VPCCNI_TRY(const auto table, wrap(edges.kernel.route_table(card, ip, device, node.limits.enis),
                                    "route table of " + to_string(eni.id)));
  const ipam::EniFacts facts = eni_facts(eni, table, node);
  if (!facts.primary) {
    podnet::EniNetwork network;
    network.mac = eni.mac;
    network.ip = ip;
    network.subnet = subnet;
    network.table = table.table;
    network.mtu = node.network.mtu;
    network.trunk = facts.trunk;
    network.rule_exists = table.rule_exists;
    VPCCNI_CHECK(
        wrap(base::retry(
                 edges.clock, kLink, stop, [](const Error& e) { return e.code == Errc::not_found; },
                 [&] { return edges.kernel.set_up_eni(network); }),
             "set up " + to_string(eni.id)));
  }
  return ipam::EniReady{facts, pod_blocks(eni, node.family())};
}

Result<ipam::EniReady> create_eni(const Edges& edges, const Node& node,
                                  const ipam::CreateEni& wanted, const std::stop_token& stop) {
  auto created = create_somewhere(edges, node, wanted);
  if (!created) {
    count_error(edges, "increaseIPPoolAllocENI");
    return std::move(created).error();
  }
  auto attachment = attach_somewhere(edges, node, created->eni.id, wanted.places);
  if (!attachment) {
    count_error(edges, "increaseIPPoolAllocENI");
    undo(edges, created->eni.id, stop);
    return std::move(attachment).error();
  }
  created->eni.attachment = *std::move(attachment);
  edges.log.info("ENI created and attached",
                 {{"eni", to_string(created->eni.id)},
                  {"device", to_string(created->eni.attachment->device)},
                  {"addresses", std::to_string(wanted.addresses)},
                  {"prefixes", std::to_string(wanted.prefixes)}});
  // From here on a failure leaves the ENI attached: reconcile finds it and sets it up again.
  const auto set_up = [&]() -> Result<ipam::EniReady> {
    if (!created->subnet) {
      VPCCNI_TRY(created->subnet, SubnetCidrs(edges, node).of(created->eni));
    }
    return set_up_attached(edges, node, created->eni, *created->subnet, stop);
  };
  auto ready = set_up();
  if (!ready) {
    count_error(edges, ready.error().code == Errc::not_found
                           ? "increaseIPPoolwaitENIAttachedFailed"  // its link never came
                           : "increaseIPPoolsetupENIFailed");
  }
  return ready;
}

Result<> remove_eni(const Edges& edges, const net::EniId& id, const std::stop_token& stop) {
  aws::EniFilter filter;
  filter.ids = {id};
  auto found = edges.ec2.network_interfaces(filter);
  if (!found && found.error().code == Errc::not_found) {
    return {};
  }
  if (!found) {
    count_refused(edges, "getENIAttachmentIDFailed", found.error());
  }
  VPCCNI_TRY(const auto enis, wrap(std::move(found), "look up the attachment of " + to_string(id)));
  if (enis.empty()) {
    return {};
  }
  if (enis.front().attachment) {
    VPCCNI_CHECK(detach(edges, enis.front().attachment->id, stop));
    wait_detached(edges, id, stop);
  }
  auto deleted = delete_eni(edges, id, stop);
  if (!deleted) {
    count_refused(edges, "FreeENIDeleteErr", deleted.error());
  }
  return deleted;
}

void remove_leftovers(const Edges& edges, const Node& node, const std::stop_token& stop) {
  aws::EniFilter filter;
  filter.filters = {{"tag:node.k8s.amazonaws.com/instance_id", {to_string(node.identity.id)}},
                    {"status", {"available"}}};
  const auto leftovers = edges.ec2.network_interfaces(filter);
  if (!leftovers) {
    edges.log.warn("cannot look for ENIs left over by an earlier run; ignoring",
                   {{"error", leftovers.error().message}});
    return;
  }
  for (const auto& eni : *leftovers) {
    const bool ours = eni.description == "aws-K8S-" + to_string(node.identity.id);
    if (!ours || eni.attachment) {
      continue;
    }
    edges.log.info("removing an ENI that an earlier run left unattached",
                   {{"eni", to_string(eni.id)}});
    // Deleted, never detached: the list may be older than an attachment that is in use by now.
    auto removed = base::retry(edges.clock, kDelete, stop, aws::is_transient,
                               [&] { return edges.ec2.remove(eni.id); });
    if (!removed && removed.error().code != Errc::not_found) {
      edges.log.warn("a leftover ENI could not be removed; ignoring, the next start tries again",
                     {{"eni", to_string(eni.id)}, {"error", removed.error().message}});
    }
  }
}

}  // namespace vpccni::agent
