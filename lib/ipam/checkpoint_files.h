#pragma once
// Where a checkpoint and its companions live. Pure.

#include <optional>
#include <string>
#include <string_view>

#include "net/id.h"

namespace vpccni::ipam {

struct CheckpointFiles {
  std::string path;
  /// Those of another network card's pool: "ipam-nic-1.json" beside "ipam.json".
  CheckpointFiles of_card(net::NetworkCard card) const;
  /// The other way round: whose checkpoint is this path; nullopt: it is none of of_card's.
  std::optional<net::NetworkCard> card_of(std::string_view other) const;
  std::string recent() const;      // …-recent.json
  std::string quarantine() const;  // …-quarantine.json
  std::string previous() const;    // ….prev: as found at the last start

 private:
  std::string beside(std::string_view suffix) const;
};

}  // namespace vpccni::ipam
