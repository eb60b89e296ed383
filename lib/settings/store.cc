#include "settings/store.h"

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
  const auto parsed = base::parse_integer<int>(text);
  if (!parsed) {
    return Problem{"is no integer"};
  }
  if (*parsed < low || *parsed > high) {
    if (high == std::numeric_limits<int>::max()) {
      return Problem{"is below " + std::to_string(low)};
    }
    return Problem{"is not between " + std::to_string(low) + " and " + std::to_string(high)};
  }
  into = *parsed;
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

Stored parse_into(std::string_view text, RandomizeSnat& into) {
  if (text == "prng") {
    into = RandomizeSnat::fully;
  } else if (text == "hashrandom") {
    into = RandomizeSnat::hash;
  } else if (text == "none") {
    into = RandomizeSnat::none;
  } else {
    return Problem{"is none of prng, hashrandom, none"};
  }
  return std::nullopt;
}

namespace {

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
  std::uint64_t value = 0;
  const char* last = text.data() + text.size();
  const auto [end, ec] = std::from_chars(text.data(), last, value, radix);
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (ec != std::errc{} || end != last || text.empty() || value > kMax) {
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
