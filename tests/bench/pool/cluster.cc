#include "tests/bench/pool/cluster.h"

#include <algorithm>
#include <memory>

#include "tests/bench/pool/our_agent.h"
#include "tests/bench/pool/upstream_agent.h"

namespace vpccni::pool {

namespace {

using std::chrono::seconds;

constexpr auto kKubeletRetry = seconds(10);
constexpr double kKubeletJitter = 0.5;

double in_seconds(base::Duration d) {
  return std::chrono::duration<double>(d).count();
}

class Cluster {
 public:
  Cluster(const ClusterOptions& options, const Trace& trace)
      : options_(options),
        trace_(trace),
        account_(options.account, time_),
        fibers_(std::make_unique<Fibers>(time_)) {
    for (const auto& instance : account_.instances()) {
      auto& node = nodes_.emplace_back();
      const auto seed = options.seed * 1000003U + nodes_.size();
      if (options.kind == Kind::ours) {
        node.agent =
            std::make_unique<OurAgent>(account_, *fibers_, time_, options.targets, instance, seed);
      } else {
        node.agent = std::make_unique<UpstreamAgent>(account_, *fibers_, time_, options.targets,
                                                     instance, seed);
      }
    }
  }
  ~Cluster() { fibers_.reset(); }  // they use the agents
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  Outcome run() {
    const auto begin = time_.now().steady;
    sim::Random random(options_.seed);
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      time_.after(random.between(base::Duration{}, options_.start_within), [this, i] {
        nodes_[i].started = time_.now().steady;
        nodes_[i].agent->start([this, i] { serve(nodes_[i]); });
      });
    }
    for (const auto& one : trace_.churn) {
      time_.after(one.at, [this, &one] { one.add ? create(one) : remove(one); });
    }
    unserved_ = nodes_.size();
    time_.pass(trace_.length + options_.quiet,
               [this] { return options_.until_served && unserved_ == 0; });
    account_.settle();
    return outcome(time_.now().steady - begin);
  }

 private:
  struct Node {
    std::unique_ptr<NodeAgent> agent;
    base::SteadyTime started{};
    bool serving = false;
    std::vector<int> waiting;  // pods, for the agent
    std::optional<double> first_ip_ms;
  };
  struct Pod {
    int node = 0;
    bool deleted = false;
    base::SteadyTime created{};
    std::optional<net::Ip> address;
    int failures = 0;
  };

  Node& node_of(int pod) { return nodes_[static_cast<std::size_t>(pods_[pod].node)]; }

  void serve(Node& node) {
    node.serving = true;
    for (const int pod : node.waiting) {
      attempt(pod);
    }
  }

  void create(const Churn& one) {
    pods_[one.pod].node = one.node;
    pods_[one.pod].created = time_.now().steady;
    if (node_of(one.pod).serving) {
      attempt(one.pod);
    } else {
      node_of(one.pod).waiting.push_back(one.pod);
    }
  }

  void attempt(int id) {
    Pod& pod = pods_[id];
    if (pod.deleted) {
      return;
    }
    node_of(id).agent->add(id, [this, id](const AddAnswer& answer) {
      if (const auto* ip = std::get_if<net::Ip>(&answer)) {
        served(id, *ip);
      } else {
        failed(id, std::get<std::string>(answer));
      }
    });
  }

  void served(int id, const net::Ip& address) {
    Pod& pod = pods_[id];
    Node& node = node_of(id);
    const auto now = time_.now().steady;
    ++out_.adds;
    out_.waits_s.push_back(in_seconds(now - std::max(pod.created, node.started)));
    if (const auto freed = freed_.extract(address); !freed.empty()) {
      out_.reuse_ages_s.push_back(in_seconds(now - freed.mapped()));
    }
    if (!node.first_ip_ms) {
      node.first_ip_ms = in_seconds(now - node.started) * 1000;
      --unserved_;
    }
    pod.address = address;
    if (pod.deleted) {  // while the ADD was under way
      free(id);
    }
  }

  void failed(int id, const std::string& reason) {
    Pod& pod = pods_[id];
    ++out_.failed[reason];
    // The same jitter for both agents.
    sim::Random random(options_.seed ^ (static_cast<std::uint64_t>(id) << 20U) ^
                       static_cast<std::uint64_t>(++pod.failures));
    const double part = 1 + kKubeletJitter * random.between(0, 1000) / 1000;
    time_.after(std::chrono::duration_cast<base::Duration>(kKubeletRetry * part),
                [this, id] { attempt(id); });
  }

  void remove(const Churn& one) {
    Pod& pod = pods_[one.pod];
    pod.deleted = true;
    if (pod.address) {
      free(one.pod);
    } else {
      ++out_.never_served;
    }
  }

  void free(int id) {
    freed_[*pods_[id].address] = time_.now().steady;
    node_of(id).agent->del(id);
  }

  Outcome outcome(base::Duration length) {
    out_.books = account_.books();
    out_.length = length;
    for (const auto& node : nodes_) {
      out_.first_ip_ms.push_back(node.first_ip_ms);
    }
    return std::move(out_);
  }

  ClusterOptions options_;
  const Trace& trace_;
  sim::Timeline time_;
  Account account_;
  std::unique_ptr<Fibers> fibers_;
  std::vector<Node> nodes_;
  std::map<int, Pod> pods_;
  std::map<net::Ip, base::SteadyTime> freed_;
  std::size_t unserved_ = 0;
  Outcome out_;
};

}  // namespace

int Outcome::failed_adds() const {
  int sum = 0;
  for (const auto& [reason, count] : failed) {
    sum += count;
  }
  return sum;
}

Outcome replay(const ClusterOptions& options, const Trace& trace) {
  return Cluster(options, trace).run();
}

double quantile(std::vector<double> values, double part) {
  if (values.empty()) {
    return 0;
  }
  const auto at = static_cast<std::ptrdiff_t>(part * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<std::size_t>(at)];
}

}  // namespace vpccni::pool
