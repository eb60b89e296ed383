#include "tests/vpc/query.h"

#include <algorithm>

#include "base/text.h"

namespace vpccni::vpc {

namespace {

constexpr std::size_t kMaxParameters = 5000;

Error missing(const std::string& name) {
  return refusal("MissingParameter", "The request must contain the parameter " + name);
}

Error bad_value(const std::string& name, const std::string& value) {
  return refusal("InvalidParameterValue",
                 "Value (" + value.substr(0, 128) + ") for parameter " + name + " is invalid.");
}

}  // namespace

Result<Query> Query::parse(std::string_view form) {
  Query query;
  for (const auto part : base::split(form, '&')) {
    if (part.empty()) {
      continue;
    }
    const auto equals = part.find('=');
    auto name = base::percent_decode(part.substr(0, equals), true);
    auto value = equals == std::string_view::npos
                     ? std::string()
                     : base::percent_decode(part.substr(equals + 1), true);
    if (query.values_.size() >= kMaxParameters ||
        !query.values_.emplace(std::move(name), std::move(value)).second) {
      return refusal("MalformedQueryString", "The query string is malformed");
    }
  }
  query.read_ = {"Action", "Version"};
  return query;
}

std::optional<std::string> Query::text(const std::string& name) {
  const auto it = values_.find(name);
  if (it == values_.end()) {
    return std::nullopt;
  }
  read_.insert(name);
  return it->second;
}

Result<std::string> Query::required(const std::string& name) {
  auto value = text(name);
  if (!value || value->empty()) {
    return missing(name);
  }
  return *std::move(value);
}

Result<std::optional<int>> Query::number(const std::string& name) {
  const auto value = text(name);
  if (!value) {
    return std::optional<int>();
  }
  const auto number = base::parse_integer<int>(*value);
  if (!number) {
    return bad_value(name, *value);
  }
  return std::optional(*number);
}

Result<std::optional<bool>> Query::flag(const std::string& name) {
  const auto value = text(name);
  if (!value) {
    return std::optional<bool>();
  }
  if (*value != "true" && *value != "false") {
    return bad_value(name, *value);
  }
  return std::optional(*value == "true");
}

std::vector<std::string> Query::items(const std::string& name) const {
  std::set<int> numbers;
  const std::string prefix = name + ".";
  for (auto it = values_.lower_bound(prefix); it != values_.end(); ++it) {
    if (!it->first.starts_with(prefix)) {
      break;
    }
    const auto rest = std::string_view(it->first).substr(prefix.size());
    if (const auto n = base::parse_integer<int>(rest.substr(0, rest.find('.'))); n && *n > 0) {
      numbers.insert(*n);
    }
  }
  std::vector<std::string> names;
  for (const int n : numbers) {
    names.push_back(prefix + std::to_string(n));
  }
  return names;
}

std::vector<std::string> Query::list(const std::string& name) {
  std::vector<std::string> values;
  for (const auto& item : items(name)) {
    if (auto value = text(item)) {
      values.push_back(*std::move(value));
    }
  }
  return values;
}

std::vector<Filter> Query::filters() {
  std::vector<Filter> all;
  for (const auto& item : items("Filter")) {
    all.push_back({text(item + ".Name").value_or(""), list(item + ".Value")});
  }
  return all;
}

Result<aws::Tags> Query::tags(const std::string& prefix) {
  aws::Tags tags;
  for (const auto& item : items(prefix)) {
    VPCCNI_TRY(auto key, required(item + ".Key"));
    if (!tags.emplace(key, text(item + ".Value").value_or("")).second) {
      return refusal("InvalidParameterValue", "Duplicate tag key '" + key + "' specified.");
    }
  }
  return tags;
}

Result<net::EniId> Query::eni(const std::string& name) {
  VPCCNI_TRY(auto id, required(name));
  if (!is_id(id, "eni-")) {
    return refusal("InvalidNetworkInterfaceId.Malformed",
                   "Invalid id: \"" + id.substr(0, 64) + "\"");
  }
  return net::EniId(std::move(id));
}

Result<std::vector<net::Ip>> Query::ips(const std::string& name) {
  std::vector<net::Ip> all;
  for (const auto& text : list(name)) {
    VPCCNI_TRY(const auto ip, parse_ip(text));
    all.push_back(ip);
  }
  return all;
}

Result<std::vector<net::Cidr>> Query::cidrs(const std::string& name) {
  std::vector<net::Cidr> all;
  for (const auto& text : list(name)) {
    VPCCNI_TRY(const auto cidr, parse_cidr(text));
    all.push_back(cidr);
  }
  return all;
}

std::optional<std::string> Query::unknown() const {
  for (const auto& [name, value] : values_) {
    if (!read_.contains(name)) {
      return name;
    }
  }
  return std::nullopt;
}

Result<net::Ip> parse_ip(const std::string& text) {
  const auto ip = net::Ip::parse(text);
  if (!ip) {
    return refusal("InvalidParameterValue",
                   "invalid value for parameter address: " + text.substr(0, 64));
  }
  return *ip;
}

Result<net::Cidr> parse_cidr(const std::string& text) {
  const auto cidr = net::Cidr::parse(text);
  if (!cidr) {
    return refusal("InvalidParameterValue",
                   "invalid value for parameter prefix: " + text.substr(0, 64));
  }
  return *cidr;
}

bool is_id(std::string_view text, std::string_view prefix) {
  if (!text.starts_with(prefix)) {
    return false;
  }
  text.remove_prefix(prefix.size());
  return (text.size() == 8 || text.size() == 17) &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;  // the last '*' seen, and where it may still grow
  std::size_t grown = 0;
  while (t < text.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t]) && pattern[p] != '*') {
      ++p;
      ++t;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      grown = t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++grown;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

}  // namespace vpccni::vpc
