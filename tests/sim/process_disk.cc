// What the simulated process writes: checkpoint and side file of each network card.

#include "tests/sim/oracle.h"
#include "tests/sim/process.h"

namespace vpccni::sim {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr const char* kWriteSteps[] = {"before the checkpoint", "side file written",
                                       "temporary file written", "checkpoint renamed",
                                       "directory synced"};

}  // namespace

/// Before EC2 is told to take something. True if the process is dead.
bool Process::note_what_goes(std::size_t pool, const std::string& recent) {
  if (recent.empty() || world_.mutant(Mutant::forget_given_back)) {
    return false;
  }
  if (boundary("before noting what goes")) {
    return true;
  }
  Card& card = cards_[pool];
  world_.disk.files[card.files.recent()] = card.recent_written = recent;
  return false;
}

// --- the checkpoint: side file, temporary file, rename, sync of the directory

void Process::write_checkpoint(Write write) {
  again_ = true;
  const auto shared = std::make_shared<Write>(std::move(write));
  if (world_.mutant(Mutant::reply_before_checkpoint) ||
      (world_.mutant(Mutant::reply_before_second_card) && shared->pool > 0)) {
    pools_->on(shared->pool, ipam::CheckpointWritten{shared->effect.serial, std::nullopt},
               world_.now());
    later(milliseconds(5), [this, shared] {
      const auto& files = cards_[shared->pool].files;
      world_.disk.files[files.recent()] = shared->effect.recent;
      world_.disk.files[files.path] = shared->effect.checkpoint;
    });
    perform_effects();
    return;
  }
  write_step(shared, 0);
}

void Process::write_step(const std::shared_ptr<Write>& write, int step) {
  if (boundary(kWriteSteps[step])) {
    return;
  }
  if (step == 4) {
    written(*write, std::nullopt);
    return;
  }
  Card& card = cards_[write->pool];
  auto& files = world_.disk.files;
  const bool same_recent = step == 0 && write->effect.recent == card.recent_written;
  // Each step may be the one that fails; after the rename the file is there all the same.
  if (!same_recent && world_.storm && world_.random.chance(world_.odds.write_fails / 4)) {
    card.recent_written = step == 0 ? "" : card.recent_written;
    Error error{Errc::exhausted, std::string("after \"") + kWriteSteps[step] + "\": no space left",
                "ENOSPC"};
    const bool hidden = world_.mutant(Mutant::ack_failed_write);
    written(*write, hidden ? std::nullopt : std::optional(std::move(error)));
    return;
  }
  if (step == 0 && !same_recent) {
    files[card.files.recent()] = card.recent_written = write->effect.recent;
  } else if (step == 1 && world_.mutant(Mutant::write_in_place)) {
    const auto& bytes = write->effect.checkpoint;
    files[card.files.path] = bytes.substr(0, bytes.size() / 2);
  } else if (step == 2) {
    files[card.files.path] = write->effect.checkpoint;
    world_.disk.lost.erase(card.files.path);
  }
  later(world_.random.between(microseconds(20), milliseconds(5)),
        [this, write, step] { write_step(write, step + 1); });
}

void Process::written(const Write& write, std::optional<Error> error) {
  world_.journal.say([&] {
    return "  " + cards_[write.pool].files.path + " " + std::to_string(write.effect.serial) +
           (error ? ": " + error->message : " written");
  });
  if (error) {
    world_.oracle->write_failed();
  }
  pools_->on(write.pool, ipam::CheckpointWritten{write.effect.serial, std::move(error)},
             world_.now());
  perform_effects();
}

}  // namespace vpccni::sim
