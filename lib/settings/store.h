#pragma once
// How a text becomes a member of Settings: one function per kind of value, made for a member by its
// pointer. Private to this folder. Pure; a Problem means that the member kept its default, or holds
// what Problem::used says.

#include <optional>
#include <string_view>

#include "base/text.h"
#include "settings/table.h"

namespace vpccni::settings {

using Stored = std::optional<Problem>;

Stored parse_into(std::string_view text, bool& into);
Stored parse_into(std::string_view text, std::vector<net::Cidr>& into);
Stored parse_into(std::string_view text, std::map<std::string, std::string>& tags);
Stored parse_into(std::string_view text, RandomizeSnat& into);
Stored parse_into(std::string_view text, SubnetTags& into);
Stored parse_into(std::string_view text, net::Mark& into);
Stored parse_into(std::string_view text, base::Level& into);
Stored parse_into(std::string_view text, Fips& into);
Stored parse_into(std::string_view text, GrpcListen& into);
Stored parse_into(std::string_view text, RpcPeers& into);
Stored parse_into(std::string_view text, WarmMode& into);
Stored parse_between(std::string_view text, int low, int high, int& into);
Stored parse_at_least(std::string_view text, int low, int most, int& into);
Stored parse_switch(std::string_view text, bool& into);
Stored parse_enforcing_mode(std::string_view text, std::string& into);
Stored parse_network_policy_mode(std::string_view text, std::string& into);

template <auto Member>
Stored store(std::string_view text, Settings& settings) {
  if constexpr (std::is_same_v<decltype(settings.*Member), std::string&>) {
    settings.*Member = text;
    return std::nullopt;
  } else {
    return parse_into(text, settings.*Member);
  }
}

/// An integer that has to lie between both, or the default stays.
template <auto Member, int Low, int High>
Stored store_between(std::string_view text, Settings& settings) {
  return parse_between(text, Low, High, settings.*Member);
}

/// An integer that is at least Low, or the default stays; a larger one than Most counts as Most.
template <auto Member, int Low, int Most>
Stored store_at_least(std::string_view text, Settings& settings) {
  return parse_at_least(text, Low, Most, settings.*Member);
}

template <auto Member, auto Parse>
Stored store_by(std::string_view text, Settings& settings) {
  return Parse(text, settings.*Member);
}

}  // namespace vpccni::settings
