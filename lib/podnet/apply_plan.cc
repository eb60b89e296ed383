#include "podnet/apply_plan.h"

namespace vpccni::podnet {

namespace {

// Others change the same tables: a rule that was read can be gone when it is to be deleted. Then
// nothing of that table was changed, and a new reading settles it.
constexpr int kTries = 4;

}  // namespace

Result<bool> apply_plan(
    const linux::Iptables& iptables, const std::vector<std::string_view>& tables,
    const std::function<std::string(const std::vector<linux::SavedTable>&)>& plan) {
  for (int tried = 1;; ++tried) {
    std::vector<linux::SavedTable> saved;
    for (const std::string_view table : tables) {
      VPCCNI_TRY(saved.emplace_back(), iptables.save(table));
    }
    const std::string text = plan(saved);
    if (text.empty()) {
      return false;
    }
    auto restored = iptables.restore(text);
    if (restored) {
      return true;
    }
    if (restored.error().code != Errc::conflict || tried == kTries) {
      return std::move(restored).error();
    }
  }
}

}  // namespace vpccni::podnet
