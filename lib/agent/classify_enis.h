#pragma once
// Which ENIs of the instance are ours to manage, and why or why not (spec agent.md 4.10). Pure, and
// computed anew from each listing: nothing is remembered between calls.

#include <set>
#include <string_view>
#include <vector>

#include "agent/node.h"
#include "aws/eni.h"
#include "aws/imds.h"

namespace vpccni::agent {

enum class EniClass {
  // Managed:
  primary,       // whatever its tags
  told_managed,  // tag no_manage with another value than "true"
  ours,          // tag instance_id is this instance
  untagged,      // no such tag, MANAGE_UNTAGGED_ENI is on
  tags_unknown,  // IMDS alone was asked, which knows no tags
  // Left alone:
  not_attached,  // to this instance, or on its way off
  branch,        // of a trunk: belongs to one pod
  no_manage,     // tag no_manage is "true"
  foreign,       // made by others, MANAGE_UNTAGGED_ENI is off
  other_card,    // a network card that we do not manage
  efa_only,      // has no address
  no_ipv4        // IPv6 only, in an IPv4 cluster
};
bool is_managed(EniClass which);
/// One clause for people: "tag no_manage is true".
std::string_view because(EniClass which);

/// IMDS shows no tags and no kinds.
enum class ListedBy { ec2, imds };

struct ClassifiedEni {
  aws::Eni eni;
  EniClass is = EniClass::not_attached;
};

/// By network card and device, those that are not attached last. Reads of the node: identity, the
/// type's cards, enable_multi_nic, manage_untagged_eni, enable_ipv6.
std::vector<ClassifiedEni> classify_enis(std::vector<aws::Eni> enis, const Node& node, ListedBy by);

/// The cards whose pools we run, 0 first: with multi-NIC all of the type, but for those that carry
/// nothing but EFA-only ENIs.
std::set<net::NetworkCard> managed_cards(const std::vector<ClassifiedEni>& all, const Node& node);

struct ManagedEnis {
  std::vector<aws::Eni> enis;           // of the card, by device
  int unmanaged = 0;                    // left alone, and take a place on the card
  std::vector<ClassifiedEni> left_out;  // of all cards
};
ManagedEnis managed_on(std::vector<ClassifiedEni> classified, net::NetworkCard card);

/// An ENI as far as IMDS shows it. One without any address is taken for EFA-only.
aws::Eni eni_of(const aws::ImdsEni& shown, const aws::InstanceIdentity& self);

/// The time-outs that new ENIs take over from the primary one; empty if it is not listed.
aws::ConnectionTracking primary_tracking(const std::vector<aws::Eni>& enis);

}  // namespace vpccni::agent
