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
  if (other == path) {
    return net::NetworkCard(0);
  }
  const std::string start = beside(kOfCard);
  if (!other.starts_with(start)) {
    return std::nullopt;
  }
  const auto number = other.substr(start.size(), other.find('.', start.size()) - start.size());
  const auto card = base::parse_integer<int>(number);
  if (!card || *card < 0 || of_card(net::NetworkCard(*card)).path != other) {
    return std::nullopt;
  }
  return net::NetworkCard(*card);
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
