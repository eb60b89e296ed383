#pragma once
// What goes into the core and what comes out. All values: the simulation feeds the same events
// and performs the same effects as the agent.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "ipam/add_failure.h"
#include "ipam/checkpoint.h"
#include "ipam/data_store.h"
#include "ipam/plan_pool.h"

namespace vpccni::ipam {

using Token = std::uint64_t;  // names a waiting caller; chosen by the driver
using OperationId = std::uint64_t;

// --- events

struct PodAdd {
  Token token = 0;
  PodKey key;
  PodInfo pod;
};

struct PodDel {
  Token token = 0;
  PodKey key;
  /// Under which an entry recovered from the kernel may be kept, for each interface that the pod
  /// may have: "<veth>" by the pod's name, and "<veth>/<MAC of this sandbox>".
  std::vector<std::string> host_links;
};

struct CheckpointWritten {
  std::uint64_t serial = 0;
  std::optional<Error> error;
};

/// An ENI that is attached, set up in the kernel and ready to give addresses.
struct EniReady {
  EniFacts facts;
  std::vector<net::Cidr> blocks;  // secondary addresses and prefixes
  bool confirmed = true;          // EC2 lists them; else kept, and nothing is given out of them
};

struct Grown {
  net::EniId eni;
  std::vector<net::Cidr> blocks;
};
/// `kept`: the kernel still names an address of these, so EC2 was not asked to take them.
struct Released {
  std::vector<net::Cidr> kept;
};
struct Removed {};
using Outcome = std::variant<Grown, EniReady, Released, Removed>;

/// The end of an Execute effect. A failed one may have had its effect all the same.
struct OperationDone {
  OperationId id = 0;
  Result<Outcome> outcome = Error{};
};

/// EC2's word on the ENIs of this instance, and the kernel's on its pods.
struct ObservedEni {
  EniFacts facts;
  std::vector<net::Cidr> blocks;
};
struct Observed {
  std::uint64_t generation = 0;  // of the Observe effect that asked
  Result<std::vector<ObservedEni>> enis = Error{};
  /// False: IMDS alone spoke (ENABLE_IMDS_ONLY_MODE). What it does not list is kept.
  bool by_ec2 = true;
  /// IMDS shows just what the Observe effect said; EC2 was not asked, and `enis` is empty.
  bool same = false;
  std::set<net::EniId> unmanaged = {};  // attached, listed by EC2, not ours to use
  int foreign_enis = 0;                 // of these, how many take a place on our card
  std::vector<net::Ip> pod_routes;      // addresses with a host route through a pod's link
};

/// An ENI found by Observed could not be set up.
struct AdoptFailed {
  net::EniId eni;
  Error error;
};

/// EC2 did not answer at the start: what is known is from IMDS and from the run before.
struct StartedBlind {
  Error error;
};

struct Tick {};
struct Terminating {};
struct Schedulable {
  bool yes = true;
};

/// Something may be attached now that was not: look without waiting for the period.
struct LookAgain {};

using Event = std::variant<PodAdd, PodDel, CheckpointWritten, EniReady, OperationDone, Observed,
                           AdoptFailed, StartedBlind, Tick, Terminating, Schedulable, LookAgain>;

// --- effects

struct ReplyAdd {
  Token token = 0;
  std::variant<Lease, AddFailure> answer;
  PodKey key;
  PodInfo pod;
  base::WallTime released{};  // when the address was last freed; zero = never, or a repeat
  bool repeated = false;      // the sandbox had it before this ADD
};

struct ReplyDel {
  Token token = 0;
  Result<Lease> answer = Error{};
};

/// `checkpoint` must be durable before CheckpointWritten without an error is given back; the others
/// only have to survive the process.
struct WriteCheckpoint {
  std::uint64_t serial = 0;
  std::string checkpoint;
  std::string recent;
  std::string quarantine;
};

/// `recent`, unless empty, has to be written first: a crash after EC2 took something away must not
/// make the next start believe an older list. If it cannot be, the operation has failed.
struct Execute {
  OperationId id = 0;
  Action action;
  std::string because;
  std::string recent;
};

/// Look at the kernel and at IMDS, and at EC2 if IMDS shows anything else than `known` or if asked
/// to: one call a minute from every node would use up what EC2 allows the account. Answer with
/// Observed.
struct Observe {
  std::uint64_t generation = 0;
  bool ask_ec2 = true;
  std::map<net::EniId, std::set<net::Cidr>> known = {};
  std::set<net::EniId> unmanaged = {};  // IMDS shows them too
};

/// Set up an attached ENI that the store does not know, answer with EniReady or AdoptFailed.
struct AdoptEni {
  ObservedEni eni;
};

/// An ENI is gone from the store: its kernel rules can go.
struct ForgetEni {
  EniFacts facts;
};

struct Report {
  enum class Level { info, warn, error } level = Level::info;
  std::string message;
  std::vector<std::pair<std::string, std::string>> fields;
  /// What reconcile changed, for the metrics. A block is an address or a prefix.
  enum class Kind { words_only, block_added, block_removed, eni_removed } kind = Kind::words_only;
  int pods = 0;       // whose addresses went with it, to quarantine
  std::string event;  // reason of the Kubernetes event that goes with it; empty: none
};

using Effect = std::variant<ReplyAdd, ReplyDel, WriteCheckpoint, Execute, Observe, AdoptEni,
                            ForgetEni, Report>;

}  // namespace vpccni::ipam
