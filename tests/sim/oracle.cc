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

std::vector<net::Ip> addresses_of(const std::vector<ipam::Lease>& leases) {
  std::vector<net::Ip> addresses;
  for (const auto& lease : leases) {
    addresses.push_back(lease.address);
  }
  return addresses;
}

bool holds_all(const std::vector<net::Ip>& addresses, const std::vector<ipam::Lease>& leases) {
  return std::all_of(leases.begin(), leases.end(), [&](const auto& lease) {
    return std::find(addresses.begin(), addresses.end(), lease.address) != addresses.end();
  });
}

std::string text(const std::vector<ipam::Lease>& leases) {
  std::string all;
  for (const auto& lease : leases) {
    all += (all.empty() ? "" : " and ") + to_string(lease.address);
  }
  return all;
}

}  // namespace

void Oracle::violated(const char* invariant, const std::string& detail) {
  world_.journal.violated(invariant, detail);
}

const std::map<ipam::PodKey, std::vector<net::Ip>>& Oracle::durable() {
  bool same = true;
  for (const auto card : world_.cards()) {
    const auto& path = world_.files(card).path;
    const auto file = world_.disk.files.find(path);
    auto& known = durable_bytes_[path];
    const bool gone = file == world_.disk.files.end();
    if (gone ? !known.empty() : known != file->second) {
      known = gone ? std::string() : file->second;
      same = false;
    }
  }
  if (same) {
    return durable_;
  }
  durable_.clear();
  for (const auto card : world_.cards()) {
    const auto entries = ipam::parse_checkpoint(durable_bytes_[world_.files(card).path]);
    for (const auto& one : entries ? *entries : std::vector<ipam::Assignment>()) {
      durable_[one.key].push_back(one.address);
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
  ++adds_[key];
}

void Oracle::heard_del(ipam::Token token, const ipam::PodKey& key) {
  const auto held = holdings_.find(key);
  const bool certain = held != holdings_.end() && held->second.strict;
  heard_[token] = {key, ++order_, world_.now().wall, certain, true};
  last_del_[key] = {order_, world_.now().wall};
  loosen(key);
}

void Oracle::loosen(const ipam::PodKey& key) {
  const auto held = holdings_.find(key);
  if (held != holdings_.end() && held->second.strict) {
    held->second.strict = false;
    held->second.free_at(world_.now().wall);
  }
}

void Oracle::gone(const ipam::PodKey& key) {
  loosen(key);
}

void Oracle::wired(const ipam::PodKey& key, const std::vector<std::string>& veths) {
  if (const auto held = holdings_.find(key); held != holdings_.end()) {
    held->second.wired = true;
    held->second.veths = veths;
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

void Oracle::said_add(const ipam::PodAdded& reply) {
  const auto* leases = std::get_if<std::vector<ipam::Lease>>(&reply.answer);
  const auto heard = heard_.extract(reply.token);
  if (heard.empty()) {
    return;
  }
  const Heard& asked = heard.mapped();
  check_prompt(asked, leases != nullptr);
  if (leases == nullptr) {
    refused_[asked.key] = world_.incarnations;
    return;
  }
  const auto& [del, del_at] = last_del_[asked.key];
  const bool overtaken = del > asked.order;  // by a DEL of the same batch
  if (!overtaken) {
    // Another card's checkpoint may name one more, of an ADD that was refused when its write
    // failed.
    const auto entry = durable().find(asked.key);
    if (entry == durable().end() || !holds_all(entry->second, *leases)) {
      violated("reply is durable", "ADD of " + text(asked.key) + " was told " + text(*leases) +
                                       ", which the checkpoint on disk does not hold");
    }
  }
  check_cards(asked.key, *leases);
  for (const auto& lease : *leases) {
    check_new(asked.key, lease);
  }
  Holding& held = holdings_[asked.key];
  if (held.strict && addresses_of(held.leases) == addresses_of(*leases)) {
    for (std::size_t i = 0; i < leases->size(); ++i) {
      held.leases[i].eni = (*leases)[i].eni;
    }
    return;  // a repeated ADD
  }
  held = {*leases};
  if (overtaken || !world_.pods->needs_address(asked.key)) {
    loosen(asked.key);
    if (overtaken) {
      held.free_at(del_at);
    }
  }
}

/// A pod that wants it has one address on each card, in their order; others have one.
void Oracle::check_cards(const ipam::PodKey& key, const std::vector<ipam::Lease>& leases) {
  const auto cards = world_.cards();
  const bool each = world_.pods->on_every_card(key);
  if (leases.size() != (each ? cards.size() : 1)) {
    violated("one address on each card", text(key) + " was told " + text(leases));
    return;
  }
  for (std::size_t i = 0; i < leases.size(); ++i) {
    const auto* eni = world_.model.find_eni(leases[i].eni);
    if (eni == nullptr || !eni->attachment) {
      continue;  // check_new tells
    }
    if (each && eni->attachment->card != cards[i]) {
      violated("one address on each card", to_string(leases[i].address) + " of " + text(key) +
                                               " is on card " + to_string(eni->attachment->card));
    }
    if (leases[i].table != table_of(eni->attachment->card, eni->attachment->device)) {
      violated("the table of its ENI", to_string(leases[i].address) + " of " + text(key) + " has " +
                                           to_string(leases[i].table));
    }
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

bool Oracle::may_move(const net::Ip& address) const {
  return world_.cards().size() > 1 && outsiders_.contains(address);
}

void Oracle::check_new(const ipam::PodKey& key, const ipam::Lease& lease) {
  const auto said = world_.now().wall;  // the ADD may have waited for the address
  const std::string what = to_string(lease.address) + " for " + text(key);
  for (const auto& [other, held] : holdings_) {
    const bool has_it = std::any_of(held.leases.begin(), held.leases.end(),
                                    [&](const auto& one) { return one.address == lease.address; });
    if (other == key) {
      if (held.strict && !has_it) {
        violated("one answer per sandbox", what + ", which was told " + text(held.leases));
      }
      continue;
    }
    if (!has_it) {
      continue;
    }
    if (may_move(lease.address)) {
      continue;
    }
    if (held.strict) {
      violated("no address on two pods", what + " is held by " + text(other));
      continue;
    }
    const auto rested = said - held.freed.at(lease.address);
    if (rested < std::chrono::seconds(world_.settings.ip_cooldown_seconds)) {
      const auto age = std::chrono::duration<double>(rested).count();
      violated("cooldown",
               what + " was freed by " + text(other) + " " + std::to_string(age) + " s before");
    }
  }
  const auto* eni = world_.model.find_eni(lease.eni);
  if (world_.settings.custom_networking && eni != nullptr && eni->attachment &&
      eni->id == world_.model.find_instance(world_.instance)->primary_eni) {
    violated("the primary ENI serves no pods", what);
  }
  check_shown(lease.address, lease.eni);
  if (const auto trouble = ec2_trouble(lease.eni, lease.address);
      !trouble.empty() && !outsiders_.contains(lease.address)) {
    violated("only what EC2 confirms", what + ": " + trouble);
  }
}

void Oracle::said_del(const ipam::PodDeleted& reply) {
  const auto heard = heard_.extract(reply.token);
  if (heard.empty()) {
    return;
  }
  const Heard& asked = heard.mapped();
  // One that finds nothing because another DEL of its batch was first says so before that one is
  // durable.
  const bool second = std::any_of(heard_.begin(), heard_.end(), [&](const auto& other) {
    return other.second.del && other.second.key == asked.key;
  });
  if (reply.answer || !second) {
    last_del_told_[asked.key] = asked.order;
  }
  if (!reply.answer) {
    if (reply.answer.error().code == Errc::not_found && asked.certain) {
      violated("DEL finds its address", text(asked.key) + ": " + reply.answer.error().message);
    }
    return;
  }
  const auto held = holdings_.find(asked.key);
  const bool moved =
      asked.certain && std::any_of(held->second.leases.begin(), held->second.leases.end(),
                                   [this](const auto& lease) { return may_move(lease.address); });
  if (asked.certain && !moved && addresses_of(held->second.leases) != addresses_of(*reply.answer)) {
    violated("DEL finds its address", text(asked.key) + " freed " + text(*reply.answer) +
                                          " in place of " + text(held->second.leases));
  }
  const auto entry = durable().find(asked.key);
  if (last_add_[asked.key] < asked.order && entry != durable().end()) {
    // Of an ADD that was refused because its checkpoint failed an entry may be there all the same.
    const auto freed = addresses_of(*reply.answer);
    const bool told = std::any_of(entry->second.begin(), entry->second.end(), [&](const auto& ip) {
      return std::find(freed.begin(), freed.end(), ip) != freed.end();
    });
    if (told) {
      violated("reply is durable", "DEL of " + text(asked.key) +
                                       " succeeded, but the checkpoint on disk still holds it");
    }
  }
  if (held != holdings_.end() && !held->second.strict) {
    for (const auto& lease : *reply.answer) {
      auto& freed = held->second.freed[lease.address];
      freed = std::max(freed, asked.at);
    }
  }
}

// --- invariants

void Oracle::check_store(const ipam::Pools& pools) {
  std::map<net::Ip, ipam::PodKey> kept;
  std::set<ipam::PodKey> keys;
  for (const auto& held : pools.assignments()) {
    const auto& one = held.assignment;
    if (!kept.emplace(one.address, one.key).second && !may_move(one.address)) {
      violated("no address on two pods", to_string(one.address) + " is twice in the store");
    }
    keys.insert(one.key);
  }
  for (const auto& [key, held] : holdings_) {
    for (const auto& lease : held.strict ? held.leases : std::vector<ipam::Lease>()) {
      if (may_move(lease.address)) {
        continue;
      }
      const auto entry = kept.find(lease.address);
      if (entry == kept.end() ||
          (entry->second != key && entry->second.network != ipam::kRecoveredNetwork)) {
        violated(
            "every live address is held",
            to_string(lease.address) + " of " + text(key) +
                (entry == kept.end() ? std::string(" is free in the store")
                                     : " belongs to " + text(entry->second) + " in the store"));
      }
    }
  }
  for (const auto& [key, agent] : refused_) {
    const bool first = adds_[key] == 1 && agent == world_.incarnations && !write_failed_;
    if (first && keys.contains(key)) {
      violated("a refused ADD keeps nothing", text(key) + " holds an address");
    }
  }
  refused_.clear();
  write_failed_ = false;
}

void Oracle::check_durable() {
  for (const auto& [key, held] : holdings_) {
    const auto entry = durable().find(key);
    if (held.strict && (entry == durable().end() || entry->second != addresses_of(held.leases))) {
      violated("no checkpoint entry is lost",
               text(held.leases) + " of " + text(key) + " is not in the checkpoint");
    }
  }
}

void Oracle::check_wiring() {
  for (const auto& [key, held] : holdings_) {
    for (std::size_t i = 0; held.strict && held.wired && i < held.leases.size(); ++i) {
      const auto& lease = held.leases[i];
      if (outsiders_.contains(lease.address)) {
        continue;
      }
      const auto trouble =
          world_.kernel.trouble(key.container, held.veths[i], lease.address, lease.table);
      if (!trouble.empty()) {
        violated("every live pod stays wired",
                 text(key) + " with " + to_string(lease.address) + ": " + trouble);
      }
    }
  }
}

}  // namespace vpccni::sim
