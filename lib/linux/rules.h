#pragma once
// Policy routing rules as values, and the requests on them. An added rule goes to a table and has
// no protocol: the kernel's duplicate check includes the protocol, so another one would double the
// rules of the version before. What a delete leaves out matches anything.

#include <optional>
#include <string>
#include <vector>

#include "linux/netlink_socket.h"
#include "net/id.h"
#include "net/ip.h"

namespace vpccni::linux {

struct Rule {
  net::Family family = net::Family::v4;
  std::optional<net::RulePriority> priority = {};
  net::TableId table = {};  // 0 = any, on delete
  std::optional<net::Cidr> from = {};
  std::optional<net::Cidr> to = {};
  std::optional<net::Mark> mark = {};
  std::optional<net::Mark> mask = {};
  std::string in_link = {};
  std::optional<std::uint8_t> ip_protocol = {};  // of the packet; 58 = ICMPv6
  std::uint8_t protocol = 0;                     // who made it; only read
  bool other = false;  // only read: has selectors or an action that this value does not show

  friend bool operator==(const Rule&, const Rule&) = default;
};

/// "from 10.0.1.30 lookup 2 pref 1536".
std::string to_string(const Rule& rule);

/// EEXIST if this rule is there, or a narrower one: to the kernel's check, what `rule` leaves out
/// matches anything, so "from A to B" of the same priority and table keeps "from A" out.
Request add_rule(const Rule& rule);
/// Without that check: a rule that is there is there twice afterwards.
Request add_rule_unchecked(const Rule& rule);
/// ENOENT if none matches. Removes one.
Request delete_rule(const Rule& rule);

std::optional<Rule> parse_rule(const std::string& object);

/// In the kernel's order.
Result<std::vector<Rule>> rules(Netlink& netlink, net::Family family);

/// Deletes until none is left (a bounded number of times).
Result<> delete_all_rules(Netlink& netlink, const Rule& rule);

}  // namespace vpccni::linux
