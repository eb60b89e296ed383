#include "tests/bench/pool/our_agent.h"

#include <algorithm>

#include "agent/attached.h"

namespace vpccni::pool {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

ipam::PodKey key_of(int pod) {
  return {"aws-cni", "sandbox-" + std::to_string(pod), "eth0"};
}

std::string veth_of(int pod) {
  const std::string number = std::to_string(pod);
  return "eni" + std::string(11 - number.size(), '0') + number;
}

}  // namespace

base::Duration restart_delay(int failures) {
  base::Duration delay = seconds(failures <= 1 ? 0 : 10);
  for (int i = 2; i < failures && delay < seconds(300); ++i) {
    delay *= 2;
  }
  return std::min<base::Duration>(delay, seconds(300));
}

OurAgent::OurAgent(Account& account, Fibers& fibers, sim::Timeline& time, const Targets& targets,
                   const net::InstanceId& instance, std::uint64_t seed)
    : time_(time),
      site_{account, fibers, sim::Random(seed), instance, {}},
      clock_(site_),
      ec2_(site_),
      imds_(site_),
      kernel_(site_),
      log_([](std::string_view) {}, base::Level::error, clock_),
      paced_(ec2_, clock_, {.chance = [this] { return site_.random.between(0, 999) / 1000.0; }}),
      edges_{paced_, imds_, kernel_, clock_, log_},
      targets_(targets) {
  node_.settings.enable_ipv4 = true;
  node_.settings.enable_prefix_delegation = targets.prefixes;
  node_.settings.warm_eni_target = targets.warm_enis;
  node_.settings.warm_ip_target = targets.warm_ips;
  node_.settings.minimum_ip_target = targets.minimum_ips;
  node_.settings.warm_prefix_target = targets.warm_prefixes;
  node_.settings.ip_cooldown_seconds =
      static_cast<int>(std::chrono::duration_cast<std::chrono::seconds>(targets.cooldown).count());
  node_.settings.cluster_name = "cluster";
  node_.limits = account.limits();
}

void OurAgent::start(std::function<void()> ready) {
  site_.fibers.start([this, ready = std::move(ready)] {
    for (int failures = 0; !set_up();) {
      site_.fibers.wait(seconds(1) + restart_delay(++failures));
    }
    post_pool([this] { agent::remove_leftovers(edges_, node_, {}); });
    refresh_groups();
    turn();
    ready();
  });
}

/// The steps of lib/agent/start.cc that a fresh node has.
bool OurAgent::set_up() {
  auto identity = edges_.imds.identity();
  if (!identity || !edges_.imds.vpc_ipv4_cidrs(identity->primary_mac)) {
    return false;
  }
  node_.identity = *std::move(identity);
  const auto attached = agent::attached_enis(edges_, node_);
  if (!attached) {
    return false;
  }
  auto options = agent::core_options(node_, attached->unmanaged);
  if (targets_.max_pods > 0) {  // as the node object says
    options.targets.max_pods = targets_.max_pods;
  }
  core_ = std::make_unique<ipam::Core>(options, clock_.now());
  agent::bring_in(*core_, edges_, node_, *attached, {}, {});
  return true;
}

/// The side worker's first round: every ENI gets the primary's groups.
void OurAgent::refresh_groups() {
  std::vector<net::EniId> enis;
  for (const auto& [id, eni] : core_->store().enis()) {
    enis.push_back(id);
  }
  site_.fibers.start([this, enis] {
    for (;;) {
      const auto groups = edges_.imds.security_groups(node_.identity.primary_mac);
      const bool done = groups && std::all_of(enis.begin(), enis.end(), [&](const auto& eni) {
                          const auto set = edges_.ec2.set_groups(eni, *groups);
                          return set || set.error().code == Errc::not_found;
                        });
      if (done) {
        return;
      }
      site_.fibers.wait(seconds(30));
    }
  });
}

// --- pods

void OurAgent::add(int pod, std::function<void(const AddAnswer&)> answer) {
  waiting_[++token_] = {pod, std::move(answer)};
  post(ipam::PodAdd{token_, key_of(pod), {"default", "pod-" + std::to_string(pod), 1}});
}

void OurAgent::del(int pod) {
  kernel_.state().destroy("sandbox-" + std::to_string(pod));
  post(ipam::PodDel{++token_, key_of(pod), {}});
}

// --- the loop and the pool thread

void OurAgent::post(ipam::Event event) {
  inbox_.push_back(std::move(event));
  if (!woken_) {
    woken_ = true;
    time_.after(microseconds(500), [this] { turn(); });
  }
}

void OurAgent::post_pool(std::function<void()> work) {
  pool_.push_back(std::move(work));
  if (pool_busy_) {
    return;
  }
  pool_busy_ = true;
  site_.fibers.start([this] {
    while (!pool_.empty()) {
      const auto next = std::move(pool_.front());
      pool_.pop_front();
      next();
    }
    pool_busy_ = false;
  });
}

void OurAgent::turn() {
  woken_ = false;
  while (!inbox_.empty()) {
    auto event = std::move(inbox_.front());
    inbox_.pop_front();
    core_->on(std::move(event), time_.now());
  }
  for (bool wrote = true; wrote;) {
    wrote = false;
    for (auto& effect : core_->take_effects(time_.now())) {
      if (const auto* write = std::get_if<ipam::WriteCheckpoint>(&effect)) {
        wrote = true;
        core_->on(ipam::CheckpointWritten{write->serial, std::nullopt}, time_.now());
      } else {
        perform(effect);
      }
    }
  }
  const auto now = time_.now();
  time_.after(core_->next_tick(now) - now.steady, [this, tick = ++tick_] {
    if (tick == tick_ && !woken_) {
      post(ipam::Tick{});
    }
  });
}

void OurAgent::perform(ipam::Effect& effect) {
  if (auto* add = std::get_if<ipam::ReplyAdd>(&effect)) {
    const auto [pod, answer] = std::move(waiting_.extract(add->token).mapped());
    if (const auto* lease = std::get_if<ipam::Lease>(&add->answer)) {
      kernel_.state().attach("sandbox-" + std::to_string(pod), veth_of(pod), {}, lease->address,
                             lease->table);
      answer(lease->address);
    } else {
      answer(std::get<ipam::AddFailure>(add->answer).reason);
    }
  } else if (auto* execute = std::get_if<ipam::Execute>(&effect)) {
    post_pool([this, id = execute->id, action = execute->action] {
      post(ipam::OperationDone{id, agent::execute(edges_, node_, action, {})});
    });
  } else if (auto* observe = std::get_if<ipam::Observe>(&effect)) {
    post_pool([this, look = *observe] {
      agent::Listings listings;
      post(agent::observe(edges_, node_, look, listings, {}));
    });
  } else if (auto* adopt = std::get_if<ipam::AdoptEni>(&effect)) {
    post_pool([this, eni = adopt->eni] { post(agent::adopt(edges_, node_, eni, {})); });
  } else if (auto* forget = std::get_if<ipam::ForgetEni>(&effect)) {
    post_pool(
        [this, facts = forget->facts] { (void)edges_.kernel.delete_rules_from(facts.primary_ip); });
  }
}

}  // namespace vpccni::pool
