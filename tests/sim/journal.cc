#include "tests/sim/journal.h"

#include <array>
#include <cstdio>

#include "tests/sim/mutant.h"

namespace vpccni::sim {

namespace {

constexpr std::size_t kKept = 100000;

}  // namespace

void Journal::add(const std::string& text) {
  const auto at = std::chrono::duration<double>(time_.now().steady.time_since_epoch()).count();
  std::array<char, 32> stamp{};
  std::snprintf(stamp.data(), stamp.size(), "%10.4f  ", at - 3600.0);
  lines_.push_back(stamp.data() + text);
  digest_ = digest_ * 1099511628211U + std::hash<std::string>{}(lines_.back());
  if (lines_.size() > kKept) {
    lines_.pop_front();
  }
}

const std::vector<MutantName>& mutants() {
  static const std::vector<MutantName> kAll = {
      {Mutant::reply_before_checkpoint, "reply_before_checkpoint"},
      {Mutant::ack_failed_write, "ack_failed_write"},
      {Mutant::write_in_place, "write_in_place"},
      {Mutant::lose_completion, "lose_completion"},
      {Mutant::skip_restore, "skip_restore"},
      {Mutant::forget_on_stale_imds, "forget_on_stale_imds"},
      {Mutant::skip_quarantine, "skip_quarantine"},
      {Mutant::forget_cooling, "forget_cooling"},
      {Mutant::reuse_in_cooldown, "reuse_in_cooldown"},
      {Mutant::double_assign, "double_assign"},
      {Mutant::release_in_use, "release_in_use"},
      {Mutant::remove_in_use, "remove_in_use"},
      {Mutant::wrong_del_key, "wrong_del_key"},
      {Mutant::lose_adopt, "lose_adopt"},
      {Mutant::failure_as_success, "failure_as_success"},
      {Mutant::no_backoff, "no_backoff"},
      {Mutant::skip_leftovers, "skip_leftovers"},
      {Mutant::forget_given_back, "forget_given_back"},
      {Mutant::forget_rules, "forget_rules"},
      {Mutant::allocate_from_unconfirmed, "allocate_from_unconfirmed"},
      {Mutant::change_in_imds_only, "change_in_imds_only"},
      {Mutant::forget_fallback_enis, "forget_fallback_enis"},
      {Mutant::leftovers_in_use, "leftovers_in_use"},
      {Mutant::patience_ignored, "patience_ignored"},
      {Mutant::never_forget_unassigned, "never_forget_unassigned"},
      {Mutant::touch_foreign, "touch_foreign"},
      {Mutant::remove_lasting, "remove_lasting"},
      {Mutant::primary_serves_pods, "primary_serves_pods"},
      {Mutant::trunk_place_taken, "trunk_place_taken"},
      {Mutant::forget_trunk_place, "forget_trunk_place"},
      {Mutant::recover_branches, "recover_branches"},
      {Mutant::reply_before_second_card, "reply_before_second_card"},
      {Mutant::keep_half, "keep_half"},
      {Mutant::forget_second_card, "forget_second_card"}};
  return kAll;
}

std::string_view name_of(Mutant mutant) {
  for (const auto& one : mutants()) {
    if (one.mutant == mutant) {
      return one.name;
    }
  }
  return "none";
}

std::optional<Mutant> find_mutant(std::string_view name) {
  for (const auto& one : mutants()) {
    if (one.name == name) {
      return one.mutant;
    }
  }
  return std::nullopt;
}

}  // namespace vpccni::sim
