#include "ipam/checkpoint_files.h"

#include "base/text.h"

namespace vpccni::ipam {

namespace {

constexpr std::string_view kOfCard = "-nic-";
constexpr std::string_view kEnd = ".json";

}  // namespace

CheckpointFiles CheckpointFiles::of_card(net::NetworkCard card) const {
  return card == net::NetworkCard(0)
             ? *this
             : CheckpointFiles{beside(std::string(kOfCard) + to_string(card) + std::string(kEnd))};
}

std::optional<net::NetworkCard> CheckpointFiles::card_of(std::string_view other) const {
  const std::string start = beside(kOfCard);
  if (other == path) {
    return net::NetworkCard(0);
  }
  if (!other.starts_with(start) || !other.ends_with(kEnd) ||
      other.size() < start.size() + kEnd.size()) {
    return std::nullopt;
  }
  other.remove_prefix(start.size());
  other.remove_suffix(kEnd.size());
  const auto card = base::parse_integer<int>(other);
  return card ? std::optional(net::NetworkCard(*card)) : std::nullopt;
}

std::string CheckpointFiles::beside(std::string_view suffix) const {
  const bool json = path.ends_with(kEnd);
  return path.substr(0, path.size() - (json ? kEnd.size() : 0)) + std::string(suffix);
}

std::string CheckpointFiles::recent() const {
  return beside("-recent.json");
}

std::string CheckpointFiles::quarantine() const {
  return beside("-quarantine.json");
}

std::string CheckpointFiles::previous() const {
  return path + ".prev";
}

}  // namespace vpccni::ipam
