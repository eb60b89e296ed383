#pragma once
// The pools of a node, one for each network card that is managed: each has its own core, targets,
// limits and checkpoint. Here is only what concerns several: which card gives a pod its address,
// and pods with one address on every card. Pure, as the core is; not thread-safe.
//
// The driver hands each effect's outcome back to the pool that it came from.

#include <map>
#include <memory>
#include <variant>
#include <vector>

#include "ipam/core.h"

namespace vpccni::ipam {

/// The answers of an ADD or DEL: one lease for each of the pod's interfaces, by card.
struct PodAdded {
  Token token = 0;
  std::variant<std::vector<Lease>, AddFailure> answer;
  PodKey key;
  PodInfo pod;
  base::WallTime released{};  // when the first address was last freed; zero = never, or a repeat
};
struct PodDeleted {
  Token token = 0;
  Result<std::vector<Lease>> answer = Error{};
};

/// What one pool wants done. Never a ReplyAdd or ReplyDel.
struct PoolEffect {
  std::size_t pool = 0;
  Effect effect;
};

class Pools {
 public:
  /// By network card, ascending; at least one.
  explicit Pools(std::vector<std::unique_ptr<Core>> cores);
  /// Of a node with one card.
  Pools(const CoreOptions& options, base::Instant now);

  std::size_t size() const { return cores_.size(); }
  Core& at(std::size_t pool) { return *cores_.at(pool); }
  const Core& at(std::size_t pool) const { return *cores_.at(pool); }
  /// Of card 0, whose targets are the settings'.
  Core& first() { return *cores_.front(); }
  const Core& first() const { return *cores_.front(); }

  /// An address of the first pool that has one, or, for every interface, of all: then all or none.
  void add(PodAdd event, bool on_every_card, base::Instant now);
  void del(const PodDel& event, base::Instant now);
  void on(std::size_t pool, Event event, base::Instant now);
  void on_all(const Event& event, base::Instant now);
  /// What one pool keeps in quarantine and another's block covers goes to that one. After a start;
  /// on() does it by itself. A live pod's address would else be given to another pod.
  void hand_over(base::Instant now);

  struct Turn {
    std::vector<PoolEffect> effects;
    std::vector<std::variant<PodAdded, PodDeleted>> replies;
    bool again = false;  // a reply asked for more: take the effects again
  };
  Turn take_effects(base::Instant now);
  base::SteadyTime next_tick(base::Instant now) const;

  /// The addresses that the pod of a DEL holds, by card.
  std::vector<Lease> held_by(const PodDel& event) const;
  /// All assignments, with the number of their interface within the pod.
  struct Held {
    Assignment assignment;
    Lease lease;
    std::size_t pool = 0;
    int interface = 0;
  };
  std::vector<Held> assignments() const;
  std::map<net::Ip, Assignment> quarantined() const;  // of all pools

 private:
  struct Part {  // of a call, in one pool
    std::size_t pool = 0;
    std::optional<std::variant<ReplyAdd, ReplyDel>> reply;
  };
  struct Call {
    Token token = 0;
    std::optional<PodAdd> add;
    std::vector<Part> parts;
  };
  struct Place {
    std::uint64_t call = 0;
    std::size_t part = 0;
  };

  using Parcel = std::pair<std::size_t, std::variant<PodAdd, PodDel>>;  // for that pool

  void tell(std::size_t pool, Event event, base::Instant now);
  std::size_t choose(const PodKey& key, base::Instant now) const;
  void send(Call call, std::vector<Parcel> parcels, base::Instant now);
  void replied(Token token, std::variant<ReplyAdd, ReplyDel> reply, Turn& turn, base::Instant now);
  bool look_together(std::size_t pool, const Effect& effect, base::Instant now);
  void finish(Call call, Turn& turn, base::Instant now);

  std::vector<std::unique_ptr<Core>> cores_;
  std::map<std::uint64_t, Call> calls_;
  std::map<Token, Place> places_;  // by the token that a core knows
  std::uint64_t next_call_ = 0;
  Token next_token_ = 0;
  base::SteadyTime looked_{};
};

}  // namespace vpccni::ipam
