#include "aws/instance_limits.h"

#include "base/json.h"

namespace vpccni::aws {

// The data file's text, put into the program by the build (cmake/instance_limits.cc.in).
extern const std::string_view kInstanceLimitsJson;

std::optional<InstanceLimits> parse_limits_row(std::string_view json) {
  const auto row = base::parse_json(json);
  if (!row) {
    return std::nullopt;
  }
  InstanceLimits limits;
  limits.enis = static_cast<int>(base::integer_member(*row, "e").value_or(0));
  limits.ipv4_per_eni = static_cast<int>(base::integer_member(*row, "i").value_or(0));
  limits.default_card =
      net::NetworkCard(static_cast<int>(base::integer_member(*row, "d").value_or(0)));
  limits.hypervisor = base::string_member(*row, "h");
  limits.bare_metal = base::bool_member(*row, "b").value_or(false);
  if (const auto* cards = base::find_member(*row, "c"); cards != nullptr && cards->is_array()) {
    for (const auto& card : *cards) {
      if (card.is_array() && card.size() == 2 && card[0].is_number_integer() &&
          card[1].is_number_integer()) {
        limits.cards.push_back({net::NetworkCard(card[0].get<int>()), card[1].get<int>()});
      }
    }
  }
  if (limits.enis < 1 || limits.ipv4_per_eni < 1 || limits.cards.empty()) {
    return std::nullopt;
  }
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
