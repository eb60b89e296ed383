#include "aws/instance_limits.h"

#include "base/json.h"

namespace vpccni::aws {

// The data file's text, put into the program by the build (cmake/instance_limits.cc.in).
extern const std::string_view kInstanceLimitsJson;

namespace {

constexpr int kMostCards = 128;
constexpr int kMostEnis = 1024;     // on a card
constexpr int kMostPerEni = 65536;  // addresses

/// The member as a number between both.
std::optional<int> member_between(const base::Json& row, std::string_view name, int low, int high) {
  const auto value = base::integer_member(row, name);
  if (!value || *value < low || *value > high) {
    return std::nullopt;
  }
  return static_cast<int>(*value);
}

std::optional<CardLimit> card_of(const base::Json& pair) {
  const auto between = [](const base::Json& value, int low, int high) {
    return value.is_number_integer() && value >= low && value <= high;
  };
  if (!pair.is_array() || pair.size() != 2 || !between(pair[0], 0, kMostCards - 1) ||
      !between(pair[1], 1, kMostEnis)) {
    return std::nullopt;
  }
  return CardLimit{net::NetworkCard(pair[0].get<int>()), pair[1].get<int>()};
}

std::optional<std::vector<CardLimit>> cards_of(const base::Json& row) {
  const auto* list = base::find_member(row, "c");
  if (list == nullptr || !list->is_array() || list->empty() || list->size() > kMostCards) {
    return std::nullopt;
  }
  std::vector<CardLimit> cards;
  for (const auto& pair : *list) {
    const auto card = card_of(pair);
    if (!card) {
      return std::nullopt;
    }
    cards.push_back(*card);
  }
  return cards;
}

std::optional<InstanceLimits> limits_of(const base::Json& row) {
  const auto enis = member_between(row, "e", 1, kMostEnis);
  const auto addresses = member_between(row, "i", 1, kMostPerEni);
  const auto card = member_between(row, "d", 0, kMostCards - 1);
  const auto cards = cards_of(row);
  if (!enis || !addresses || !card || !cards) {
    return std::nullopt;
  }
  InstanceLimits limits;
  limits.enis = *enis;
  limits.ipv4_per_eni = *addresses;
  limits.default_card = net::NetworkCard(*card);
  limits.cards = *cards;
  limits.hypervisor = base::string_member(row, "h");
  limits.bare_metal = base::bool_member(row, "b").value_or(false);
  return limits;
}

}  // namespace

std::optional<InstanceLimits> parse_limits_row(std::string_view json) {
  const auto row = base::parse_json(json);
  return row ? limits_of(*row) : std::nullopt;
}

Result<std::optional<InstanceLimits>> limits_in(std::string_view json, const std::string& type) {
  VPCCNI_TRY(const auto types, base::parse_json(json));
  if (!types.is_object()) {
    return Error{Errc::corrupt, "no JSON object of instance types"};
  }
  const auto* row = base::find_member(types, type);
  if (row == nullptr) {
    return std::optional<InstanceLimits>();
  }
  auto limits = limits_of(*row);
  if (!limits) {
    return Error{Errc::corrupt, "the row of " + type + " cannot be used"};
  }
  return limits;
}

InstanceLimits assumed_limits() {
  InstanceLimits limits;
  limits.enis = 3;
  limits.ipv4_per_eni = 6;
  limits.cards = {{net::NetworkCard(0), 3}};
  limits.hypervisor = "unknown";
  return limits;
}

std::optional<InstanceLimits> instance_limits(std::string_view type) {
  if (type.find_first_of("\"\\\n") != std::string_view::npos) {
    return std::nullopt;
  }
  const std::string key = "\n\"" + std::string(type) + "\":";  // one type per line
  const auto at = kInstanceLimitsJson.find(key);
  if (at == std::string_view::npos) {
    return std::nullopt;
  }
  const auto from = at + key.size();
  const auto line = kInstanceLimitsJson.substr(from, kInstanceLimitsJson.find('\n', from) - from);
  return parse_limits_row(line.substr(0, line.rfind('}') + 1));
}

}  // namespace vpccni::aws
