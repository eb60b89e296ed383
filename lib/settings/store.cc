#include "settings/store.h"

#include <algorithm>
#include <limits>

#include "base/json.h"

namespace vpccni::settings {

Stored parse_into(std::string_view text, bool& into) {
  const auto parsed = base::parse_bool(text);
  if (!parsed) {
    return Problem{"is neither true nor false"};
  }
  into = *parsed;
  return std::nullopt;
}

Stored parse_between(std::string_view text, int low, int high, int& into) {
  const auto parsed = base::parse_integer<std::int64_t>(text);
  if (!parsed) {
    return Problem{"is no integer"};
  }
  if (*parsed < low || *parsed > high) {
    return Problem{"is not between " + std::to_string(low) + " and " + std::to_string(high)};
  }
  into = static_cast<int>(*parsed);
  return std::nullopt;
}

Stored parse_at_least(std::string_view text, int low, int most, int& into) {
  const auto parsed = base::parse_integer<std::int64_t>(text);
  if (!parsed) {
    return Problem{"is no integer"};
  }
  if (*parsed < low) {
    return Problem{"is below " + std::to_string(low)};
  }
  into = static_cast<int>(std::min<std::int64_t>(*parsed, most));
  if (*parsed > most) {
    return Problem{"is more than " + std::to_string(most), std::to_string(most)};
  }
  return std::nullopt;
}

/// What cannot be used is left out, the rest counts.
Stored parse_into(std::string_view text, std::vector<net::Cidr>& into) {
  std::vector<std::string> bad;
  std::vector<std::string> good;
  into.clear();
  for (const auto part : base::split(text, ',')) {
    const auto item = base::trim(part);
    const auto cidr = net::Cidr::parse(item);
    if (!cidr || cidr->family() != net::Family::v4) {
      bad.push_back("\"" + std::string(item) + "\"");
      continue;
    }
    into.push_back(*cidr);
    good.push_back(to_string(*cidr));
  }
  if (bad.empty()) {
    return std::nullopt;
  }
  return Problem{"holds what is no IPv4 block: " + base::join(bad, ", "), base::join(good, ",")};
}

/// Keys of the cluster's own tags are left out, so that nobody can unmanage an ENI by accident.
Stored parse_into(std::string_view text, std::map<std::string, std::string>& tags) {
  const auto json = base::parse_json(text);
  if (!json || !json->is_object()) {
    return Problem{"is no JSON object of strings"};
  }
  std::map<std::string, std::string> taken;
  std::vector<std::string> reserved;
  for (const auto& [key, value] : json->items()) {
    if (!value.is_string()) {
      return Problem{"is no JSON object of strings"};
    }
    if (key.find("k8s.amazonaws.com") != std::string::npos) {
      reserved.push_back(key);
    } else {
      taken.emplace(key, value.get<std::string>());
    }
  }
  tags = taken;
  if (reserved.empty()) {
    return std::nullopt;
  }
  return Problem{"holds reserved keys: " + base::join(reserved, ", "),
                 base::dump_json(base::Json(taken))};
}

namespace {

template <class T>
struct Choice {
  std::string_view text;
  T value;
};

/// Exactly one of the texts.
template <class T>
Stored choose(std::string_view text, std::initializer_list<Choice<T>> choices, T& into) {
  std::vector<std::string> names;
  for (const auto& choice : choices) {
    if (text == choice.text) {
      into = choice.value;
      return std::nullopt;
    }
    names.emplace_back(choice.text);
  }
  return Problem{"is none of " + base::join(names, ", ")};
}

}  // namespace

Stored parse_into(std::string_view text, RandomizeSnat& into) {
  return choose<RandomizeSnat>(text,
                               {{"prng", RandomizeSnat::fully},
                                {"hashrandom", RandomizeSnat::hash},
                                {"none", RandomizeSnat::none}},
                               into);
}

Stored parse_into(std::string_view text, RpcPeers& into) {
  return choose<RpcPeers>(text, {{"root", RpcPeers::root}, {"any", RpcPeers::any}}, into);
}

Stored parse_into(std::string_view text, Fips& into) {
  return choose<Fips>(text, {{"off", Fips::off}, {"require", Fips::require}}, into);
}

Stored parse_into(std::string_view text, WarmMode& into) {
  return choose<WarmMode>(text, {{"fixed", WarmMode::fixed}, {"adaptive", WarmMode::adaptive}},
                          into);
}

Stored parse_into(std::string_view text, GrpcListen& into) {
  GrpcListen listen{false, false};
  for (const auto part : base::split(text, ',')) {
    const auto item = base::trim(part);
    if (item != "tcp" && item != "unix") {
      return Problem{"is no list of tcp, unix"};
    }
    (item == "tcp" ? listen.tcp : listen.unix_socket) = true;
  }
  into = listen;
  return std::nullopt;
}

Stored parse_switch(std::string_view text, bool& into) {
  if (text == "on" || text == "off") {
    into = text == "on";
    return std::nullopt;
  }
  return parse_into(text, into) ? Stored(Problem{"is neither on nor off"}) : std::nullopt;
}

Stored parse_into(std::string_view text, SubnetTags& into) {
  if (text != "1.21" && text != "1.23") {
    return Problem{"is neither 1.21 nor 1.23"};
  }
  into = text == "1.21" ? SubnetTags::by_key : SubnetTags::by_value;
  return std::nullopt;
}

namespace {

/// Go's underscores in base 0: each stands between two digits, or between base prefix and digit.
std::optional<std::string> without_underscores(std::string_view digits, bool after_prefix) {
  std::string out;
  bool allowed = after_prefix;
  for (const char c : digits) {
    if (c == '_' && !allowed) {
      return std::nullopt;
    }
    allowed = c != '_';
    if (allowed) {
      out += c;
    }
  }
  return allowed ? std::optional(out) : std::nullopt;
}

/// Go's base 0: 0x, 0o, 0b, a leading 0 for octal, else decimal; an optional sign.
std::optional<std::int64_t> parse_prefixed(std::string_view text) {
  bool negative = false;
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  int radix = 10;
  if (text.size() > 1 && text[0] == '0') {
    const char letter = base::to_lower(text.substr(1, 1))[0];
    radix = letter == 'x' ? 16 : letter == 'b' ? 2 : 8;
    text.remove_prefix(letter == 'x' || letter == 'b' || letter == 'o' ? 2 : 1);
  }
  const auto digits = without_underscores(text, radix != 10);
  if (!digits || digits->empty()) {
    return std::nullopt;
  }
  std::uint64_t value = 0;
  const char* last = digits->data() + digits->size();
  const auto [end, ec] = std::from_chars(digits->data(), last, value, radix);
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (ec != std::errc{} || end != last || value > kMax) {
    return std::nullopt;
  }
  const auto magnitude = static_cast<std::int64_t>(value);
  return negative ? -magnitude : magnitude;
}

}  // namespace

Stored parse_into(std::string_view text, net::Mark& into) {
  const auto value = parse_prefixed(text);
  if (!value || *value < 1 || *value > std::numeric_limits<std::uint32_t>::max()) {
    return Problem{"is no number between 1 and 0xffffffff"};
  }
  into = net::Mark{static_cast<std::uint32_t>(*value)};
  return std::nullopt;
}

Stored parse_into(std::string_view text, base::Level& into) {
  into = base::parse_level(text);
  for (const auto known : {"debug", "info", "warn", "error", "fatal"}) {
    if (base::iequals(text, known)) {
      return std::nullopt;
    }
  }
  return Problem{"is none of debug, info, warn, error, fatal"};
}

Stored parse_enforcing_mode(std::string_view text, std::string& into) {
  if (text != "strict" && text != "standard") {
    return Problem{"is neither strict nor standard"};
  }
  into = text;
  return std::nullopt;
}

Stored parse_network_policy_mode(std::string_view text, std::string& into) {
  for (const auto known : {"none", "strict", "standard"}) {
    if (base::iequals(text, known)) {
      into = text;
      return std::nullopt;
    }
  }
  return Problem{"is none of none, strict, standard", std::nullopt, true};
}

}  // namespace vpccni::settings
