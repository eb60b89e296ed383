#include "linux/rules.h"

#include <linux/fib_rules.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>

#include "linux/netlink_handle.h"

namespace vpccni::linux {

namespace {

constexpr std::uint32_t kHeaderTables = 256;
// Every copy of one rule; far above what any version left behind.
constexpr int kMaxCopies = 1000;

Request request_for(int type, int flags, const Rule& rule, std::string_view verb) {
  Message message(type, flags);
  fib_rule_hdr header{};
  header.family = kernel_family(rule.family);
  header.src_len = rule.from ? static_cast<std::uint8_t>(rule.from->length()) : std::uint8_t{0};
  header.dst_len = rule.to ? static_cast<std::uint8_t>(rule.to->length()) : std::uint8_t{0};
  header.action = type == RTM_NEWRULE ? FR_ACT_TO_TBL : FR_ACT_UNSPEC;
  const std::uint32_t table = rule.table.value();
  header.table = table < kHeaderTables ? static_cast<std::uint8_t>(table) : 0;
  message.append(header);
  if (rule.from && rule.from->length() > 0) {
    message.put(FRA_SRC, rule.from->base());
  }
  if (rule.to && rule.to->length() > 0) {
    message.put(FRA_DST, rule.to->base());
  }
  if (rule.priority) {
    message.put(FRA_PRIORITY, rule.priority->value());
  }
  if (table >= kHeaderTables) {
    message.put(FRA_TABLE, table);
  }
  if (rule.mark) {
    message.put(FRA_FWMARK, rule.mark->value());
  }
  if (rule.mask) {
    message.put(FRA_FWMASK, rule.mask->value());
  }
  if (!rule.in_link.empty()) {
    message.put_name(FRA_IIFNAME, rule.in_link);
  }
  if (rule.ip_protocol) {
    message.put(FRA_IP_PROTO, *rule.ip_protocol);
  }
  return message.request(std::string(verb) + " rule " + to_string(rule));
}

std::string hex_text(net::Mark mark) {
  std::array<char, 16> text{};
  (void)std::snprintf(text.data(), text.size(), "0x%x", mark.value());
  return text.data();
}

std::string end_text(const net::Cidr& cidr) {
  return cidr.is_host() ? to_string(cidr.base()) : to_string(cidr);
}

std::optional<net::Cidr> block(const std::optional<net::Ip>& base, std::uint8_t length) {
  return base ? std::optional(net::Cidr(*base, length)) : std::nullopt;
}

}  // namespace

std::string to_string(const Rule& rule) {
  std::string text = "from " + (rule.from ? end_text(*rule.from) : "all");
  if (rule.to) {
    text += " to " + end_text(*rule.to);
  }
  if (rule.mark) {
    text += " fwmark " + hex_text(*rule.mark);
    text += rule.mask ? "/" + hex_text(*rule.mask) : "";
  }
  if (!rule.in_link.empty()) {
    text += " iif " + rule.in_link;
  }
  if (rule.ip_protocol) {
    text += " ipproto " + std::to_string(*rule.ip_protocol);
  }
  if (rule.table.value() != 0) {
    text += " lookup " + to_string(rule.table);
  }
  if (rule.priority) {
    text += " pref " + to_string(*rule.priority);
  }
  return text;
}

Request add_rule(const Rule& rule) {
  return request_for(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule, "add");
}

Request add_rule_unchecked(const Rule& rule) {
  return request_for(RTM_NEWRULE, NLM_F_CREATE, rule, "add");
}

Request delete_rule(const Rule& rule) {
  return request_for(RTM_DELRULE, 0, rule, "delete");
}

std::optional<Rule> parse_rule(const std::string& bytes) {
  const Object<fib_rule_hdr, FRA_MAX> object(bytes);
  const fib_rule_hdr& header = object.header();
  if (!object.valid() || (header.family != AF_INET && header.family != AF_INET6)) {
    return std::nullopt;
  }
  Rule rule;
  rule.family = header.family == AF_INET ? net::Family::v4 : net::Family::v6;
  rule.priority = net::RulePriority(object.number(FRA_PRIORITY).value_or(0));
  rule.table = net::TableId(object.number(FRA_TABLE).value_or(header.table));
  rule.from = block(object.ip(FRA_SRC), header.src_len);
  rule.to = block(object.ip(FRA_DST), header.dst_len);
  if (const auto mark = object.number(FRA_FWMARK)) {
    rule.mark = net::Mark(*mark);
    rule.mask = net::Mark(object.number(FRA_FWMASK).value_or(0xffffffffU));
  }
  rule.in_link = object.name(FRA_IIFNAME);
  rule.protocol = object.byte(FRA_PROTOCOL).value_or(0);
  rule.ip_protocol = object.byte(FRA_IP_PROTO);
  constexpr std::array<std::size_t, 6> kOthers = {FRA_OIFNAME,     FRA_GOTO,        FRA_UID_RANGE,
                                                  FRA_SPORT_RANGE, FRA_DPORT_RANGE, FRA_TUN_ID};
  rule.other = header.action != FR_ACT_TO_TBL || header.tos != 0 ||
               (header.flags & FIB_RULE_INVERT) != 0 ||
               std::any_of(kOthers.begin(), kOthers.end(),
                           [&](std::size_t type) { return object.attribute(type) != nullptr; });
  return rule;
}

Result<std::vector<Rule>> rules(Netlink& netlink, net::Family family) {
  Message message(RTM_GETRULE, NLM_F_DUMP);
  fib_rule_hdr header{};
  header.family = kernel_family(family);
  message.append(header);
  VPCCNI_TRY(const auto objects, netlink.dump(message.request("list rules")));
  std::vector<Rule> all;
  for (const std::string& object : objects) {
    if (auto rule = parse_rule(object)) {
      all.push_back(*std::move(rule));
    }
  }
  return all;
}

Result<> delete_all_rules(Netlink& netlink, const Rule& rule) {
  for (int copies = 0; copies < kMaxCopies; ++copies) {
    VPCCNI_TRY(const bool removed, netlink.remove(delete_rule(rule)));
    if (!removed) {
      return {};
    }
  }
  return Error{Errc::conflict, "rule " + to_string(rule) + " comes back as fast as it is deleted"};
}

}  // namespace vpccni::linux
