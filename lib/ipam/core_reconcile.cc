// Core: the pool compared with what EC2 and the kernel show.
#include <algorithm>

#include "ipam/core.h"

namespace vpccni::ipam {

namespace {

/// From the answer to an ADD until the pod has its link, at the latest.
constexpr auto kWiringGrace = std::chrono::seconds(60);

}  // namespace

void Core::handle(Observed& event, base::Instant now) {
  observing_ = false;
  observe_at_ = now.steady + kObservePeriod;
  if (event.generation != generation_ || running_) {
    observe_at_ = now.steady + std::chrono::seconds(1);  // the pool moved on: ask again
    return;
  }
  if (event.same) {
    release_vanished(event.pod_routes, now);
    return;
  }
  // Card 0 has the primary ENI for ever; another may be empty.
  const bool none =
      event.enis && event.enis->empty() && store_.options().card == net::NetworkCard(0);
  if (!event.enis || none) {
    if (blind_) {  // nothing can be done until EC2 has told what there is
      gate_.retry_at = observe_at_ = now.steady + next_delay();
    }
    report(Report::Level::warn, "cannot compare the pool with EC2; nothing is changed",
           {{"error", event.enis ? "EC2 lists no ENI at all" : event.enis.error().message}});
    return;
  }
  if (blind_) {
    blind_ = false;
    delay_ = {};
    plan_.last_error.reset();
    gate_.retry_at.reset();
  }
  doubt_ = false;
  unmanaged_ = std::move(event.unmanaged);
  if (event.by_ec2) {  // others attach and detach theirs at any time
    options_.limits.enis += options_.foreign_enis - event.foreign_enis;
    options_.foreign_enis = event.foreign_enis;
  }
  ask_ec2_at_ = now.steady + kAskEc2Period +
                std::chrono::seconds(random_() % std::chrono::seconds(kAskEc2Period / 2).count());
  release_vanished(event.pod_routes, now);
  for (const auto& seen : *event.enis) {
    reconcile_eni(seen, event.by_ec2, now);
  }
  reconcile_missing(event, now);
  const auto old = [&](const auto& one) {
    return now.wall - one.second > kConsistencyLag || one.second > now.wall;
  };
  std::erase_if(unassigned_, old);
  std::erase_if(leaving_, old);
}

void Core::reconcile_eni(const ObservedEni& seen, bool by_ec2, base::Instant now) {
  if (const auto left = leaving_.find(seen.facts.id);
      left != leaving_.end() && now.wall - left->second <= kConsistencyLag) {
    return;  // an older list, or a removal that never happened: the next look tells
  }
  const auto known = store_.enis().find(seen.facts.id);
  if (known == store_.enis().end() || !known->second.set_up) {
    const auto busy = adopting_.find(seen.facts.id);
    if (busy == adopting_.end() || busy->second <= now.steady) {
      adopting_[seen.facts.id] = now.steady + kObservePeriod;
      effects_.push_back(AdoptEni{seen});
    }
    return;
  }
  for (const auto& cidr : seen.blocks) {
    if (cidr == net::Cidr::host(known->second.primary_ip) || unassigned_.contains(cidr)) {
      continue;
    }
    if (store_.add_block(seen.facts.id, cidr, now)) {
      report(Report::Level::info, "address found on the ENI",
             {{"eni", to_string(seen.facts.id)}, {"address", to_string(cidr)}})
          .kind = Report::Kind::block_added;
    } else {
      store_.set_confirmed(seen.facts.id, cidr, true);
    }
  }
  reconcile_unlisted(seen, known->second, by_ec2, now);
}

/// Blocks that we know and that were not listed. EC2's word is final once its view can no longer
/// lag; IMDS's is not: then nothing more is given out of them.
void Core::reconcile_unlisted(const ObservedEni& seen, const EniEntry& known, bool by_ec2,
                              base::Instant now) {
  const std::set<net::Cidr> listed(seen.blocks.begin(), seen.blocks.end());
  std::vector<net::Cidr> unlisted;
  for (const auto& [cidr, block] : known.blocks) {
    if (!listed.contains(cidr) && now.steady - block.added.steady > kConsistencyLag) {
      unlisted.push_back(cidr);
    }
  }
  for (const auto& cidr : unlisted) {
    if (!by_ec2) {
      store_.set_confirmed(seen.facts.id, cidr, false);
      continue;
    }
    const int pods = known.blocks.at(cidr).assigned();
    const bool used = !store_.remove_block(seen.facts.id, cidr);
    if (used) {
      store_.quarantine(seen.facts.id, cidr);
      dirty_ = true;
    }
    Report& told = report(used ? Report::Level::error : Report::Level::warn,
                          used ? "EC2 no longer lists an address that a pod uses; it is quarantined"
                               : "EC2 no longer lists this address; it left the pool",
                          {{"eni", to_string(seen.facts.id)}, {"address", to_string(cidr)}});
    told.kind = Report::Kind::block_removed;
    told.pods = pods;
  }
}

std::vector<net::Cidr> Core::blocks_of(const net::EniId& id) const {
  std::vector<net::Cidr> blocks;
  for (const auto& [cidr, block] : store_.enis().at(id).blocks) {
    blocks.push_back(cidr);
  }
  return blocks;
}

/// ENIs that EC2 confirmed gone.
void Core::reconcile_missing(const Observed& event, base::Instant now) {
  std::set<net::EniId> listed;
  for (const auto& seen : *event.enis) {
    listed.insert(seen.facts.id);
  }
  std::vector<EniFacts> missing;
  for (const auto& [id, eni] : store_.enis()) {
    if (!listed.contains(id) && now.steady - eni.added.steady > kConsistencyLag) {
      missing.push_back(eni);
    }
  }
  if (!event.by_ec2) {
    for (const auto& facts : missing) {  // kept, and nothing more is given out of them
      for (const auto& cidr : blocks_of(facts.id)) {
        store_.set_confirmed(facts.id, cidr, false);
      }
    }
    return;
  }
  for (const auto& facts : missing) {
    const int pods = store_.enis().at(facts.id).assigned();
    for (const auto& cidr : blocks_of(facts.id)) {
      store_.quarantine(facts.id, cidr);
    }
    (void)store_.remove_eni(facts.id);
    dirty_ = true;
    if (facts.set_up) {
      effects_.push_back(ForgetEni{facts});
    }
    Report& told =
        report(Report::Level::error, "EC2 no longer lists this ENI; its pods are quarantined",
               {{"eni", to_string(facts.id)}});
    told.kind = Report::Kind::eni_removed;
    told.pods = pods;
    told.event = "EniGone";
  }
}

/// Entries that only the kernel knew end when the kernel no longer shows their route; so do those
/// whose pod had no link at the agent's start, when it had the time to get one.
void Core::release_vanished(const std::vector<net::Ip>& pod_routes, base::Instant now) {
  for (const auto& one : store_.assignments()) {
    if (std::find(pod_routes.begin(), pod_routes.end(), one.address) != pod_routes.end()) {
      unwired_.erase(one.key);
      continue;
    }
    const bool unwired = unwired_.contains(one.key) && now.wall - one.since > kWiringGrace;
    if (one.key.network == kRecoveredNetwork || unwired) {
      (void)store_.release(one.key, now);
      unwired_.erase(one.key);
      dirty_ = true;
    }
  }
}

bool Core::take_over(const Assignment& entry) {
  const auto known = store_.find(entry.key);
  const bool taken = known ? known->address == entry.address : store_.restore(entry).has_value();
  dirty_ = dirty_ || taken;
  return taken;
}

void Core::give_up(const Assignment& entry, base::Instant now) {
  (void)store_.release(entry.key, now);
  unwired_.erase(entry.key);
  dirty_ = true;
  report(Report::Level::warn, "a pod's address is another network card's; its pool keeps it now",
         {{"pod", entry.pod.name_space + "/" + entry.pod.name},
          {"address", to_string(entry.address)}});
}

void Core::hold_back(const net::Ip& address, base::Instant now) {
  store_.restore_cooling(address, now.wall);
}

void Core::cool(const net::Ip& address, base::Instant now) {
  store_.restore_cooling(address, now.wall);
  dirty_ = true;
}

void Core::handle(StartedBlind& event, base::Instant now) {
  blind_ = true;
  plan_.last_error = std::move(event.error);
  gate_.retry_at = observe_at_ = now.steady + next_delay();
}

void Core::handle(AdoptFailed& event, base::Instant now) {
  adopting_[event.eni] = now.steady + kObservePeriod;
  report(Report::Level::warn, "an attached ENI cannot be set up; it is tried again",
         {{"eni", to_string(event.eni)}, {"error", event.error.message}});
}

}  // namespace vpccni::ipam
