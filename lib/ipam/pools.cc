#include "ipam/pools.h"

#include <algorithm>

namespace vpccni::ipam {

namespace {

/// The token of a DEL that takes half an ADD back: nobody waits for it.
constexpr Token kNobody = 0;
/// Looks within this time are one.
constexpr auto kLooksTogether = std::chrono::seconds(1);

const AddFailure* failure_of(const ReplyAdd& reply) {
  return std::get_if<AddFailure>(&reply.answer);
}

/// Under which the pod of a DEL is kept, or its own if it is not. One that only the kernel knew has
/// an entry for each of its links, in one pool or in several.
std::vector<PodKey> keys_of(const Core& core, const PodDel& event) {
  std::vector<PodKey> keys = {core.entry_of(event).value_or(event.key)};
  for (const auto& link : event.host_links) {
    const PodKey recovered = recovered_key(link);
    if (recovered != keys.front() && core.store().find(recovered)) {
      keys.push_back(recovered);
    }
  }
  return keys;
}

}  // namespace

Pools::Pools(std::vector<std::unique_ptr<Core>> cores) : cores_(std::move(cores)) {}

Pools::Pools(const CoreOptions& options, base::Instant now) {
  cores_.push_back(std::make_unique<Core>(options, now));
}

/// Where the pod has its address already, else where one is ready, else the first card: its pool
/// says why there is none, or lets the ADD wait.
std::size_t Pools::choose(const PodKey& key, base::Instant now) const {
  for (std::size_t i = 0; i < cores_.size(); ++i) {
    if (cores_[i]->store().find(key) || cores_[i]->waits(key)) {
      return i;
    }
  }
  for (std::size_t i = 0; i < cores_.size() && cores_.size() > 1; ++i) {
    if (cores_[i]->store().stats(now.wall).ready() > 0) {
      return i;
    }
  }
  return 0;
}

/// An address that leaves quarantine without a block of this card may be another card's.
void Pools::tell(std::size_t pool, Event event, base::Instant now) {
  Core& core = *cores_.at(pool);
  const auto before = core.store().quarantined();
  core.on(std::move(event), now);
  for (const auto& [address, entry] : before) {
    for (const auto& other : cores_) {
      const bool freed = !core.store().quarantined().contains(address);
      if (freed && !core.store().covers(address) && other.get() != &core) {
        other->cool(address, now);
      }
    }
  }
}

void Pools::send(Call call, std::vector<Parcel> parcels, base::Instant now) {
  const auto id = ++next_call_;
  for (const auto& [pool, event] : parcels) {
    call.parts.push_back({pool, {}});
  }
  calls_.emplace(id, std::move(call));
  for (std::size_t part = 0; part < parcels.size(); ++part) {
    const Token token = ++next_token_;
    places_.emplace(token, Place{id, part});
    const std::size_t pool = parcels[part].first;
    std::visit(
        [&](auto& event) {
          event.token = token;
          tell(pool, std::move(event), now);
        },
        parcels[part].second);
  }
}

void Pools::add(PodAdd event, bool on_every_card, base::Instant now) {
  hand_over(now);
  event.pod.interfaces = on_every_card ? static_cast<int>(cores_.size()) : 1;
  std::vector<Parcel> parcels;
  for (std::size_t pool = 0; on_every_card && pool < cores_.size(); ++pool) {
    parcels.emplace_back(pool, event);
  }
  if (!on_every_card) {
    parcels.emplace_back(choose(event.key, now), event);
  }
  send({event.token, event, {}}, std::move(parcels), now);
}

/// Asked of every pool: an ADD may wait in one while another has given its address.
void Pools::del(const PodDel& event, base::Instant now) {
  std::vector<Parcel> parcels;
  for (std::size_t pool = 0; pool < cores_.size(); ++pool) {
    const auto keys = keys_of(*cores_[pool], event);
    parcels.emplace_back(pool, event);
    for (std::size_t more = 1; more < keys.size(); ++more) {
      parcels.emplace_back(pool, PodDel{0, keys[more], {}});
    }
  }
  send({event.token, std::nullopt, {}}, std::move(parcels), now);
}

void Pools::on(std::size_t pool, Event event, base::Instant now) {
  hand_over(now);
  tell(pool, std::move(event), now);
  hand_over(now);
}

void Pools::on_all(const Event& event, base::Instant now) {
  hand_over(now);
  for (std::size_t pool = 0; pool < cores_.size(); ++pool) {
    tell(pool, event, now);
  }
}

void Pools::hand_over(base::Instant now) {
  for (const auto& from : cores_) {
    for (const auto& [address, entry] : std::map(from->store().quarantined())) {
      for (const auto& to : cores_) {
        if (to == from || !to->store().covers(address)) {
          continue;
        }
        if (to->take_over(entry)) {
          from->give_up(entry, now);
          break;
        }
        to->hold_back(address, now);  // until it leaves quarantine there
      }
    }
  }
}

void Pools::replied(Token token, std::variant<ReplyAdd, ReplyDel> reply, Turn& turn,
                    base::Instant now) {
  const auto place = places_.extract(token);
  if (place.empty()) {
    return;
  }
  const auto call = calls_.find(place.mapped().call);
  call->second.parts[place.mapped().part].reply = std::move(reply);
  const auto& parts = call->second.parts;
  if (std::all_of(parts.begin(), parts.end(), [](const Part& one) { return one.reply; })) {
    finish(std::move(calls_.extract(call).mapped()), turn, now);
  }
}

void Pools::finish(Call call, Turn& turn, base::Instant now) {
  if (!call.add) {
    PodDeleted done{call.token, std::vector<Lease>{}};
    std::optional<Error> unknown;
    for (const Part& part : call.parts) {
      const auto& answer = std::get<ReplyDel>(*part.reply).answer;
      if (answer && done.answer) {
        done.answer->push_back(*answer);
      } else if (!answer && answer.error().code != Errc::not_found) {
        done.answer = answer.error();  // not durable in one pool: the caller comes again
      } else if (!answer) {
        unknown = answer.error();
      }
    }
    if (done.answer && done.answer->empty() && unknown) {
      done.answer = *unknown;
    }
    if (call.token != kNobody) {
      turn.replies.emplace_back(std::move(done));
    }
    return;
  }
  PodAdded done{call.token, std::vector<Lease>{}, call.add->key, call.add->pod, {}};
  for (const Part& part : call.parts) {
    const auto& reply = std::get<ReplyAdd>(*part.reply);
    auto* leases = std::get_if<std::vector<Lease>>(&done.answer);
    if (const auto* why = failure_of(reply); why != nullptr && leases != nullptr) {
      done.answer =
          call.parts.size() == 1
              ? *why
              : AddFailure{why->reason, "network card " +
                                            to_string(cores_[part.pool]->store().options().card) +
                                            ": " + why->detail};
    } else if (leases != nullptr) {
      done.released = leases->empty() ? reply.released : done.released;
      leases->push_back(std::get<Lease>(reply.answer));
    }
  }
  const bool failed = std::holds_alternative<AddFailure>(done.answer);
  std::vector<Parcel> back;
  for (const Part& part : call.parts) {
    const auto& reply = std::get<ReplyAdd>(*part.reply);
    if (failed && failure_of(reply) == nullptr &&
        !reply.repeated) {  // else a live pod would lose it
      back.emplace_back(part.pool, PodDel{0, call.add->key, {}});
    }
  }
  if (!back.empty()) {
    send({kNobody, std::nullopt, {}}, std::move(back), now);
    turn.again = true;
  }
  turn.replies.emplace_back(std::move(done));
}

/// Looks of all pools go together, so that one reading of EC2 or IMDS does for all. True if others
/// have been asked to look.
bool Pools::look_together(std::size_t pool, const Effect& effect, base::Instant now) {
  if (cores_.size() == 1 || !std::holds_alternative<Observe>(effect)) {
    return false;
  }
  const bool first = now.steady - looked_ > kLooksTogether;
  looked_ = now.steady;
  for (std::size_t other = 0; first && other < cores_.size(); ++other) {
    if (other != pool) {
      cores_[other]->on(LookAgain{}, now);
    }
  }
  return first;
}

Pools::Turn Pools::take_effects(base::Instant now) {
  Turn turn;
  for (std::size_t pool = 0; pool < cores_.size(); ++pool) {
    for (auto& effect : cores_[pool]->take_effects(now)) {
      if (auto* add = std::get_if<ReplyAdd>(&effect)) {
        const Token token = add->token;
        replied(token, std::move(*add), turn, now);
      } else if (auto* del = std::get_if<ReplyDel>(&effect)) {
        const Token token = del->token;
        replied(token, std::move(*del), turn, now);
      } else {
        turn.again = turn.again || look_together(pool, effect, now);
        turn.effects.push_back({pool, std::move(effect)});
      }
    }
  }
  return turn;
}

base::SteadyTime Pools::next_tick(base::Instant now) const {
  auto next = cores_.front()->next_tick(now);
  for (const auto& core : cores_) {
    next = std::min(next, core->next_tick(now));
  }
  return next;
}

std::vector<Lease> Pools::held_by(const PodDel& event) const {
  std::vector<Lease> leases;
  for (const auto& core : cores_) {
    for (const auto& key : keys_of(*core, event)) {
      if (const auto lease = core->store().find(key)) {
        leases.push_back(*lease);
      }
    }
  }
  return leases;
}

std::vector<Pools::Held> Pools::assignments() const {
  std::vector<Held> all;
  std::map<PodKey, int> interfaces;
  for (std::size_t pool = 0; pool < cores_.size(); ++pool) {
    const auto& store = cores_[pool]->store();
    for (auto& assignment : store.assignments()) {
      if (const auto lease = store.find(assignment.key)) {
        const int number = interfaces[assignment.key]++;
        all.push_back({std::move(assignment), *lease, pool, number});
      }
    }
  }
  return all;
}

std::map<net::Ip, Assignment> Pools::quarantined() const {
  std::map<net::Ip, Assignment> all;
  for (const auto& core : cores_) {
    const auto& own = core->store().quarantined();
    all.insert(own.begin(), own.end());
  }
  return all;
}

}  // namespace vpccni::ipam
