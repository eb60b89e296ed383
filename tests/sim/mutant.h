#pragma once
// Bugs that can be planted into the simulated agent, around the production code and not in it: a
// simulation that does not find one of them is too weak.

#include <optional>
#include <string_view>
#include <vector>

namespace vpccni::sim {

enum class Mutant {
  none,
  reply_before_checkpoint,    // the core hears "written" first, the file is written afterwards
  ack_failed_write,           // a failed write is told to the core as done
  write_in_place,             // no temporary file: a crash leaves half a checkpoint
  lose_completion,            // the end of an operation never reaches the core
  skip_restore,               // a start reads neither checkpoint nor kernel
  forget_on_stale_imds,       // a start drops entries whose address IMDS does not list
  skip_quarantine,            // a start drops entries whose ENI is not set up
  forget_cooling,             // a start does not read what still cools
  reuse_in_cooldown,          // the core hears a time that is 40 s ahead when pods are added
  double_assign,              // an address is marked free although its pod was told it
  release_in_use,             // one address of a pod is released with the others, kernel unasked
  remove_in_use,              // an ENI with pods is removed in place of the idle one
  wrong_del_key,              // a DEL frees another pod's address
  lose_adopt,                 // an ENI that Observed found is not set up
  failure_as_success,         // a failed assignment is told to the core as done
  no_backoff,                 // a failed operation is told to the core as done without result
  skip_leftovers,             // a start does not remove ENIs that were never attached
  forget_given_back,          // what is given back to EC2 is not noted before
  forget_rules,               // a start removes the rules of live pods
  allocate_from_unconfirmed,  // what IMDS alone names is given out, what it no longer names too
  change_in_imds_only,        // EC2 is changed although the settings forbid it
  forget_fallback_enis,       // a start without EC2 drops entries on ENIs that IMDS alone names
  leftovers_in_use,           // with what the other mode left goes an address in use
  patience_ignored,           // an ADD waits for addresses longer than the plugin does
  never_forget_unassigned,    // what was given back once is never taken in again
  touch_foreign,              // no_manage=true is overlooked
  remove_lasting,             // trunk and EFA ENIs count as ordinary ones
  primary_serves_pods,        // with custom networking a start takes the primary ENI for pods
  trunk_place_taken,          // no place is left for the trunk that is to come
  forget_trunk_place,         // nor after a restart
  recover_branches,           // a start takes the addresses of branch ENIs for the pool's
  reply_before_second_card,   // as reply_before_checkpoint, for other cards' checkpoints alone
  keep_half,                  // an ADD that failed on one card keeps what another gave
  forget_second_card          // a start does not read other cards' files
};

struct MutantName {
  Mutant mutant;
  std::string_view name;
};
const std::vector<MutantName>& mutants();  // without none
std::string_view name_of(Mutant mutant);
std::optional<Mutant> find_mutant(std::string_view name);

}  // namespace vpccni::sim
