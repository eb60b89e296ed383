#include "sre/read_checkpoint.h"

#include <algorithm>
#include <filesystem>

#include "base/files.h"
#include "ipam/checkpoint.h"
#include "ipam/checkpoint_files.h"

namespace vpccni::sre {

namespace {

/// By network card; that of card 0 also where it is missing, which is then said.
std::map<net::NetworkCard, std::string> checkpoints_at(const std::string& path) {
  const std::filesystem::path first(path);
  const ipam::CheckpointFiles names{first.filename().string()};
  std::map<net::NetworkCard, std::string> all = {{net::NetworkCard(0), path}};
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(first.parent_path(), none)) {
    if (const auto card = names.card_of(entry.path().filename().string())) {
      all[*card] = entry.path().string();
    }
  }
  return all;
}

}  // namespace

void read_checkpoint(const std::string& path, NodeView& view) {
  view.checkpoint_path = path;
  std::map<ipam::PodKey, int> interfaces;
  for (const auto& [card, file] : checkpoints_at(path)) {
    const auto bytes = base::read_file(file);
    const auto held = bytes ? ipam::parse_checkpoint(*bytes) : bytes.error();
    if (!held) {
      view.checkpoint_trouble = held.error().message;
      return;
    }
    for (const auto& one : *held) {
      const auto same = std::find_if(view.pods.begin(), view.pods.end(), [&](const PodRow& row) {
        return row.held.address == one.address && row.held.pod.name == one.pod.name &&
               row.held.pod.name_space == one.pod.name_space;
      });
      PodRow& row = same != view.pods.end() ? *same : view.pods.emplace_back();
      row.held = one;
      row.interface = interfaces[one.key]++;
      row.in_checkpoint = true;
    }
  }
}

}  // namespace vpccni::sre
