// The end of a turn: what the pools want done, and the answers that leave with it.
#include <type_traits>

#include "agent/agent.h"
#include "agent/agent_metrics.h"
#include "agent/attached.h"
#include "base/files.h"

namespace vpccni::agent {

std::vector<net::EniId> Agent::known_enis(std::size_t pool) const {
  std::vector<net::EniId> enis;
  for (const auto& [id, eni] : pools_->at(pool).store().enis()) {
    enis.push_back(id);
  }
  return enis;
}

/// Ends a turn: effects until no checkpoint write asks for more, then the next wake-up.
void Agent::commit() {
  bool again = true;
  while (again) {
    checkpoint_written_ = false;
    auto turn = pools_->take_effects(edges_.clock.now());
    for (auto& one : turn.effects) {
      std::visit(
          [&](auto& effect) {
            using Kind = std::remove_reference_t<decltype(effect)>;
            constexpr bool is_reply =
                std::is_same_v<Kind, ipam::ReplyAdd> || std::is_same_v<Kind, ipam::ReplyDel>;
            if constexpr (!is_reply) {  // the pools have joined those
              perform(one.pool, effect);
            }
          },
          one.effect);
    }
    for (auto& reply : turn.replies) {
      std::visit([this](auto& one) { perform(one); }, reply);
    }
    again = checkpoint_written_ || turn.again;
  }
  if (branches_ && branches_->waiting() > 0) {
    branches_->look_again();  // the trunk may have come
  }
  const base::Instant now = edges_.clock.now();
  tick_ = loop_.after(pools_->next_tick(now) - now.steady,
                      [this] { pools_->on_all(ipam::Tick{}, edges_.clock.now()); });
}

void Agent::perform(ipam::PodAdded& effect) {
  auto caller = waiting_.extract(effect.token);
  if (caller.empty()) {
    return;
  }
  if (const auto* none = std::get_if<ipam::AddFailure>(&effect.answer)) {
    note_failed(caller.mapped(), *none);
  } else {
    count_reuse(metrics_, edges_.clock.now().wall, effect.released);
    if (effect.released != base::WallTime()) {
      connections_->assigned(std::get<std::vector<ipam::Lease>>(effect.answer).front().address);
    }
  }
  auto reply = to_reply(effect, facts_);
  if (reply.success() && cluster_ && cluster_->annotates_pods()) {
    annotate_then_reply(std::move(caller.mapped()), std::move(reply));
    return;
  }
  if (reply.success()) {
    note_given(caller.mapped());
  }
  caller.mapped().done({}, reply.SerializeAsString());
}

void Agent::perform(ipam::PodDeleted& effect) {
  auto caller = waiting_.extract(effect.token);
  if (caller.empty()) {
    return;
  }
  if (effect.answer) {
    for (const auto& lease : *effect.answer) {
      connections_->released(lease.address);
    }
  }
  auto answer = to_reply(effect, facts_);
  if (effect.answer && cluster_ && cluster_->annotates_pods()) {
    clear_then_reply(std::move(caller.mapped()), std::move(answer.reply));
    return;
  }
  caller.mapped().done(answer.status, answer.reply.SerializeAsString());
}

void Agent::perform(std::size_t pool, ipam::WriteCheckpoint& effect) {
  Card& card = cards_[pool];
  checkpoint_written_ = true;
  ipam::CheckpointWritten written{effect.serial, std::nullopt};
  // The side file first: an address must not look fresh because only the checkpoint was written.
  const auto begin = edges_.clock.now().steady;
  Result<> done = write_recent(card, effect.recent);
  write_quarantine(card, effect.quarantine);
  if (done) {
    done = base::write_file_durably(card.files.path, effect.checkpoint);
  }
  metrics_.observe<metrics::Metric::vpccni_checkpoint_write_seconds>(
      std::chrono::duration<double>(edges_.clock.now().steady - begin).count());
  if (!done) {
    written.error = wrap(std::move(done).error(), "checkpoint");
  }
  pools_->on(pool, written, edges_.clock.now());
}

Result<> Agent::write_recent(Card& card, const std::string& bytes) {
  if (bytes == card.recent_written) {
    return {};
  }
  // Has to survive the process, not the machine: after a reboot no pod is left to protect.
  auto done = base::replace_file(card.files.recent(), bytes);
  card.recent_written = done ? bytes : std::string();
  return done;
}

/// For people: the checkpoint has the same entries.
void Agent::write_quarantine(Card& card, const std::string& bytes) {
  if (bytes == card.quarantine_written) {
    return;
  }
  card.quarantine_written = bytes;
  if (auto done = base::replace_file(card.files.quarantine(), bytes); !done) {
    edges_.log.warn("the list of quarantined addresses is not written; ignoring",
                    {{"error", done.error().message}});
  }
}

void Agent::post_event(std::size_t pool, ipam::Event event) {
  loop_.post([this, pool, event = std::move(event)]() mutable {
    pools_->on(pool, std::move(event), edges_.clock.now());
  });
}

void Agent::perform(std::size_t pool, ipam::Execute& effect) {
  edges_.log.info("pool operation begins",
                  {{"operation", ipam::to_string(effect.action)}, {"because", effect.because}});
  if (!effect.recent.empty()) {
    if (auto written = write_recent(cards_[pool], effect.recent); !written) {
      post_event(
          pool, ipam::OperationDone{effect.id, wrap(std::move(written).error(), "note what goes")});
      return;
    }
  }
  pool_.post([this, pool, effect](const std::stop_token& stop) {
    const InProgress work(metrics_, loop_of(effect.action));
    const auto begin = edges_.clock.now().steady;
    auto outcome = execute(edges_, cards_[pool].node, effect.action, stop);
    count_operation(metrics_, effect.action, outcome, edges_.clock.now().steady - begin);
    post_event(pool, ipam::OperationDone{effect.id, std::move(outcome)});
  });
}

void Agent::perform(std::size_t pool, ipam::Observe& effect) {
  pool_.post([this, pool, effect, known = known_enis(pool),
              asked = edges_.clock.now().steady](const std::stop_token&) {
    const InProgress work(metrics_, "nodeIPPoolReconcile");
    auto observed = observe(edges_, cards_[pool].node, effect, listings_, asked);
    count(metrics_, observed);
    if (observed.same) {
      show(metrics_, Drift{});
    } else if (observed.enis && observed.by_ec2) {
      compare_with_imds(pool, *observed.enis, known);
    }
    post_event(pool, std::move(observed));
  });
}

/// For the drift metric only: nothing is decided here.
void Agent::compare_with_imds(std::size_t pool, const std::vector<ipam::ObservedEni>& listed,
                              const std::vector<net::EniId>& known) {
  side_.post([this, pool, listed, known](const std::stop_token&) {
    std::optional<Drift> drift;
    if (const auto shown = shown_enis(edges_, cards_[pool].node)) {
      std::vector<ipam::ObservedEni> enis;
      for (const auto& eni : shown->enis) {
        enis.push_back({eni_facts(eni, {}, node_), pod_blocks(eni, node_.family())});
      }
      drift = find_drift(listed, enis, known);
    }
    show(metrics_, drift);
  });
}

void Agent::perform(std::size_t pool, ipam::AdoptEni& effect) {
  pool_.post([this, pool, effect](const std::stop_token& stop) {
    auto event = adopt(edges_, cards_[pool].node, effect.eni, stop);
    count_adopted(metrics_, std::holds_alternative<ipam::EniReady>(event));
    post_event(pool, std::move(event));
  });
}

void Agent::perform(std::size_t /*pool*/, ipam::ForgetEni& effect) {
  pool_.post([this, facts = effect.facts](const std::stop_token&) {
    if (auto done = edges_.kernel.delete_rules_from(facts.primary_ip); !done) {
      metrics_.add<metrics::Metric::awscni_ipamd_error_count>({"freeENIDeleteRulesFailed"});
      edges_.log.warn("rules of a removed ENI stay; ignoring",
                      {{"eni", to_string(facts.id)}, {"error", done.error().message}});
    }
  });
}

void Agent::perform(std::size_t /*pool*/, ipam::Report& effect) {
  count(metrics_, effect);
  std::string message = effect.message;
  for (const auto& [key, value] : effect.fields) {
    message += "; " + key + "=" + value;
  }
  if (!effect.event.empty() && cluster_) {
    cluster_->post_event(effect.event, "reconcile", message);
  }
  if (effect.level == ipam::Report::Level::error) {
    edges_.log.error(message);
  } else if (effect.level == ipam::Report::Level::warn) {
    edges_.log.warn(message);
  } else {
    edges_.log.info(message);
  }
}

}  // namespace vpccni::agent
