#include "tests/sim/oracle.h"

#include <algorithm>

#include "podnet/pod.h"
#include "tests/sim/pods.h"
#include "tests/sim/world.h"

namespace vpccni::sim {

namespace {

std::string text(const ipam::PodKey& key) {
  return key.container;
}

bool covers(const std::vector<net::Cidr>& blocks, const net::Ip& address) {
  return std::any_of(blocks.begin(), blocks.end(),
                     [&](const auto& block) { return block.contains(address); });
}

/// What the targets ask for, reckoned apart from the planner: in addresses, and in prefixes where
/// those are held. Positive: that much is missing, or too much.
struct Off {
  std::int64_t missing = 0;
  std::int64_t surplus = 0;
};

std::int64_t up16(std::int64_t addresses) {
  return (addresses + 15) / 16;
}

Off off_target(const ipam::Targets& targets, const ipam::Stats& stats, bool prefixes,
               std::int64_t eni_size) {
  const auto free = stats.total - stats.assigned;
  const bool ips = targets.warm_ips != 0 || targets.minimum_ips != 0;
  Off off;
  if (ips) {
    off.missing = std::max(targets.warm_ips - free, targets.minimum_ips - stats.total);
    off.surplus =
        prefixes ? std::min<std::int64_t>({stats.free_prefixes,
                                           stats.prefixes - up16(stats.assigned + targets.warm_ips),
                                           stats.prefixes - up16(targets.minimum_ips)})
                 : std::min(free - targets.warm_ips, stats.total - targets.minimum_ips);
  } else if (prefixes) {
    off.missing = std::max<std::int64_t>(16 * targets.warm_prefixes - free, free == 0 ? 1 : 0);
    off.surplus = stats.free_prefixes -
                  std::max(targets.warm_prefixes, free == 16 * stats.free_prefixes ? 1 : 0);
  } else {
    off.missing = targets.warm_enis * eni_size - free;
  }
  if (stats.total >= targets.max_pods) {
    off.missing = 0;
  }
  return off;
}

}  // namespace

void Oracle::violated(const char* invariant, const std::string& detail) {
  world_.journal.violated(invariant, detail);
}

const std::map<ipam::PodKey, net::Ip>& Oracle::durable() {
  if (durable_bytes_ != world_.disk.checkpoint) {
    durable_bytes_ = world_.disk.checkpoint;
    durable_.clear();
    const auto entries = ipam::parse_checkpoint(durable_bytes_.value_or(""));
    for (const auto& one : entries ? *entries : std::vector<ipam::Assignment>()) {
      durable_[one.key] = one.address;
    }
  }
  return durable_;
}

std::size_t Oracle::strict() const {
  return static_cast<std::size_t>(std::count_if(holdings_.begin(), holdings_.end(),
                                                [](const auto& one) { return one.second.strict; }));
}

// --- what happens

void Oracle::heard_add(ipam::Token token, const ipam::PodKey& key) {
  heard_[token] = {key, ++order_, world_.now().wall, false};
  last_add_[key] = order_;
}

void Oracle::heard_del(ipam::Token token, const ipam::PodKey& key) {
  const auto held = holdings_.find(key);
  const bool certain = held != holdings_.end() && held->second.strict;
  heard_[token] = {key, ++order_, world_.now().wall, certain};
  last_del_[key] = {order_, world_.now().wall};
  loosen(key);
}

void Oracle::loosen(const ipam::PodKey& key) {
  const auto held = holdings_.find(key);
  if (held != holdings_.end() && held->second.strict) {
    held->second.strict = false;
    held->second.freed = world_.now().wall;
  }
}

void Oracle::gone(const ipam::PodKey& key) {
  loosen(key);
}

void Oracle::wired(const ipam::PodKey& key, const std::string& veth) {
  if (const auto held = holdings_.find(key); held != holdings_.end()) {
    held->second.wired = true;
    held->second.veth = veth;
  }
}

void Oracle::ending(const ipam::PodKey& key) {
  if (const auto held = holdings_.find(key); held != holdings_.end()) {
    held->second.wired = false;
  }
}

void Oracle::forget_loose() {
  std::erase_if(holdings_, [](const auto& one) { return !one.second.strict; });
}

void Oracle::said_add(const ipam::ReplyAdd& reply) {
  const auto* lease = std::get_if<ipam::Lease>(&reply.answer);
  const auto heard = heard_.extract(reply.token);
  if (lease == nullptr || heard.empty()) {
    return;
  }
  const Heard& asked = heard.mapped();
  const auto& [del, del_at] = last_del_[asked.key];
  const bool overtaken = del > asked.order;  // by a DEL of the same batch
  if (!overtaken) {
    const auto entry = durable().find(asked.key);
    if (entry == durable().end() || entry->second != lease->address) {
      violated("reply is durable", "ADD of " + text(asked.key) + " was told " +
                                       to_string(lease->address) +
                                       ", which the checkpoint on disk does not hold");
    }
  }
  check_new(asked.key, *lease);
  Holding& held = holdings_[asked.key];
  if (held.address == lease->address && held.strict) {
    held.eni = lease->eni;
    return;  // a repeated ADD
  }
  held = {lease->address, lease->eni, lease->table};
  if (overtaken || !world_.pods->needs_address(asked.key)) {
    loosen(asked.key);
    held.freed = overtaken ? del_at : held.freed;
  }
}

void Oracle::check_new(const ipam::PodKey& key, const ipam::Lease& lease) {
  const auto said = world_.now().wall;  // the ADD may have waited for the address
  const std::string what = to_string(lease.address) + " for " + text(key);
  for (const auto& [other, held] : holdings_) {
    if (other == key) {
      if (held.strict && held.address != lease.address) {
        violated("one answer per sandbox", what + ", which was told " + to_string(held.address));
      }
      continue;
    }
    if (held.address != lease.address) {
      continue;
    }
    if (held.strict) {
      violated("no address on two pods", what + " is held by " + text(other));
    } else if (said - held.freed < std::chrono::seconds(world_.settings.ip_cooldown_seconds)) {
      const auto age = std::chrono::duration<double>(said - held.freed).count();
      violated("cooldown",
               what + " was freed by " + text(other) + " " + std::to_string(age) + " s before");
    }
  }
  if (const auto trouble = ec2_trouble(lease.eni, lease.address);
      !trouble.empty() && !outsiders_.contains(lease.address)) {
    violated("only what EC2 confirms", what + ": " + trouble);
  }
}

void Oracle::said_del(const ipam::ReplyDel& reply) {
  const auto heard = heard_.extract(reply.token);
  if (heard.empty()) {
    return;
  }
  const Heard& asked = heard.mapped();
  if (!reply.answer) {
    if (reply.answer.error().code == Errc::not_found && asked.certain) {
      violated("DEL finds its address", text(asked.key) + ": " + reply.answer.error().message);
    }
    return;
  }
  const auto held = holdings_.find(asked.key);
  if (asked.certain && held->second.address != reply.answer->address) {
    violated("DEL finds its address", text(asked.key) + " freed " +
                                          to_string(reply.answer->address) + " in place of " +
                                          to_string(held->second.address));
  }
  if (last_add_[asked.key] < asked.order && durable().contains(asked.key)) {
    violated("reply is durable",
             "DEL of " + text(asked.key) + " succeeded, but the checkpoint on disk still holds it");
  }
  if (held != holdings_.end() && !held->second.strict) {
    held->second.freed = std::max(held->second.freed, asked.at);
  }
}

// --- invariants

std::string Oracle::ec2_trouble(const net::EniId& id, const net::Ip& address) const {
  const auto* eni = world_.model.find_eni(id);
  if (eni == nullptr) {
    return "EC2 has no ENI \"" + to_string(id) + "\"";
  }
  if (!eni->attachment || eni->attachment->instance != world_.instance) {
    return to_string(id) + " is not attached to this instance";
  }
  if (eni->attachment->status == "detaching") {
    return to_string(id) + " is being detached";
  }
  const bool listed =
      std::any_of(eni->addresses.begin(), eni->addresses.end(),
                  [&](const auto& one) { return one.ip == address && !one.primary; }) ||
      covers(eni->prefixes, address) || covers(eni->ipv6_prefixes, address);
  return listed ? "" : "it is no secondary address of " + to_string(id);
}

void Oracle::check_ec2() {
  for (const auto& [key, held] : holdings_) {
    if (!held.strict || outsiders_.contains(held.address)) {
      continue;
    }
    if (const auto trouble = ec2_trouble(held.eni, held.address); !trouble.empty()) {
      violated("no live address is released",
               to_string(held.address) + " of " + text(key) + ": " + trouble);
    }
  }
}

void Oracle::check_store(const ipam::Core& core) {
  std::map<net::Ip, ipam::PodKey> kept;
  for (const auto& one : core.store().assignments()) {
    if (!kept.emplace(one.address, one.key).second) {
      violated("no address on two pods", to_string(one.address) + " is twice in the store");
    }
  }
  for (const auto& [key, held] : holdings_) {
    if (!held.strict) {
      continue;
    }
    const auto entry = kept.find(held.address);
    if (entry == kept.end() ||
        (entry->second != key && entry->second.network != ipam::kRecoveredNetwork)) {
      violated("every live address is held",
               to_string(held.address) + " of " + text(key) +
                   (entry == kept.end() ? std::string(" is free in the store")
                                        : " belongs to " + text(entry->second) + " in the store"));
    }
  }
}

void Oracle::check_wiring() {
  for (const auto& [key, held] : holdings_) {
    if (!held.strict || !held.wired || outsiders_.contains(held.address)) {
      continue;
    }
    const auto trouble = world_.kernel.trouble(key.container, held.veth, held.address, held.table);
    if (!trouble.empty()) {
      violated("every live pod stays wired",
               text(key) + " with " + to_string(held.address) + ": " + trouble);
    }
  }
}

void Oracle::check_at_rest(const ipam::Core& core, bool just_started) {
  const auto& store = core.store();
  const auto stats = store.stats(world_.now().wall);
  const auto& targets = core.targets();
  const bool prefixes = store.options().prefixes;
  const std::int64_t per_eni = core.limits().addresses_per_eni(prefixes);
  const auto free = stats.total - stats.assigned;
  const std::string counts = std::to_string(stats.total) + " addresses, " +
                             std::to_string(stats.assigned) + " assigned, " +
                             std::to_string(store.enis().size()) + " ENIs";
  const Off off = off_target(targets, stats, prefixes, per_eni);
  // Enough, unless there is nowhere to get it from.
  std::size_t slots = 0;
  for (const auto& [id, eni] : store.enis()) {
    slots += eni.blocks.size();
  }
  const bool full =
      slots >= static_cast<std::size_t>(core.limits().enis * core.limits().slots_per_eni);
  if (off.missing > 0 && !full && !world_.dry()) {
    violated("pool within targets", "short of " + std::to_string(off.missing) + ": " + counts +
                                        "; " + core.plan().because);
  }
  if (off.surplus > 0) {
    violated("pool within targets",
             std::to_string(off.surplus) + " over target: " + counts + "; " + core.plan().because);
  }
  for (const auto& [id, eni] : store.enis()) {
    for (const auto& [cidr, block] : eni.blocks) {
      if (!store.eligible(block) && block.assigned() == 0) {
        violated("pool within targets", to_string(cidr) + " of the other mode stays");
      }
    }
    const auto left = free - static_cast<std::int64_t>(eni.blocks.size());
    const bool spare = left >= targets.warm_enis * per_eni && left > 0;
    if (!targets.ip_targets() && !prefixes && store.quarantined().empty() && !eni.primary &&
        eni.assigned() == 0 && spare && free >= (targets.warm_enis + 1) * per_eni) {
      violated("pool within targets", to_string(id) + " is one ENI too many: " + counts);
    }
  }
  // The store and EC2 name the same ENIs and addresses, and nothing of ours lies about.
  for (const auto& [id, eni] : world_.model.enis()) {
    const bool ours = eni.attachment && eni.attachment->instance == world_.instance;
    const auto known = store.enis().find(id);
    if (ours != (known != store.enis().end())) {
      violated("store and EC2 agree", to_string(id) + (ours ? " is attached but not in the store"
                                                            : " is in the store but not ours"));
      continue;
    }
    if (!ours) {
      if (just_started && eni.description == "aws-K8S-" + to_string(world_.instance)) {
        violated("no ENI is leaked", to_string(id) + " of ours is not attached");
      }
      continue;
    }
    const auto blocks = eni.addresses.size() - 1 + eni.prefixes.size();
    if (blocks != known->second.blocks.size()) {
      violated("store and EC2 agree", to_string(id) + " has " + std::to_string(blocks) +
                                          " secondary addresses and prefixes in EC2, " +
                                          std::to_string(known->second.blocks.size()) +
                                          " in the store");
    }
  }
  // Whoever holds an address lives, or its DEL was never heard.
  for (const auto& one : store.assignments()) {
    const auto held = holdings_.find(one.key);
    const bool alive = held != holdings_.end() && held->second.strict;
    const auto veth =
        podnet::host_veth_name(world_.settings.veth_prefix, one.pod.name_space, one.pod.name, 0);
    if (just_started && !alive && one.key.network != ipam::kRecoveredNetwork &&
        !world_.kernel.has_link(veth)) {
      violated("no address is leaked",
               to_string(one.address) + " of " + text(one.key) + " is held, but no such pod lives");
    }
  }
  for (const auto& [address, kept] : store.quarantined()) {
    if (!outsiders_.contains(address)) {
      violated("quarantine ends", to_string(address) + " of " + text(kept.key));
    }
  }
}

}  // namespace vpccni::sim
