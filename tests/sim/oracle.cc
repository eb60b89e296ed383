#include "tests/sim/oracle.h"

#include <algorithm>

#include "podnet/pod.h"
#include "tests/sim/pods.h"
#include "tests/sim/world.h"

namespace vpccni::sim {

namespace {

/// An agent's patience of 10 s and what the checkpoint takes; in seconds.
constexpr double kLongestWait = 12;

std::string text(const ipam::PodKey& key) {
  return key.container;
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
  if (heard.empty()) {
    return;
  }
  const Heard& asked = heard.mapped();
  check_prompt(asked, lease != nullptr);
  if (lease == nullptr) {
    return;
  }
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

void Oracle::check_prompt(const Heard& asked, bool lease) {
  const auto waited = std::chrono::duration<double>(world_.now().wall - asked.at).count();
  if (waited > kLongestWait) {
    violated("an ADD is answered in time",
             text(asked.key) + " waited for " + std::to_string(waited) + " s, the plugin for 30");
  }
  if (lease && last_del_told_[asked.key] > asked.order) {
    violated("no address after the DEL",
             text(asked.key) + " got one although its DEL was answered before");
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
  const auto* eni = world_.model.find_eni(lease.eni);
  if (world_.settings.custom_networking && eni != nullptr && eni->attachment &&
      eni->attachment->device.value() == 0) {
    violated("the primary ENI serves no pods", what);
  }
  check_shown(lease.address, lease.eni);
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
  last_del_told_[asked.key] = asked.order;
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

void Oracle::check_durable() {
  for (const auto& [key, held] : holdings_) {
    const auto entry = durable().find(key);
    if (held.strict && (entry == durable().end() || entry->second != held.address)) {
      violated("no checkpoint entry is lost",
               to_string(held.address) + " of " + text(key) + " is not in the checkpoint");
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

}  // namespace vpccni::sim
