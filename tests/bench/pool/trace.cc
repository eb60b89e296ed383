#include "tests/bench/pool/trace.h"

#include <algorithm>
#include <cmath>

#include "tests/sim/random.h"
#include "tests/sim/timeline.h"

namespace vpccni::pool {

namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr int kDaemons = 2;     // pods of each node from its start
constexpr int kLongLived = 8;   // pods of each node, on average
constexpr int kCandidates = 3;  // nodes that the scheduler compares

class Cluster {
 public:
  explicit Cluster(const TraceOptions& options)
      : options_(options),
        random_(options.seed),
        begin_(time_.now().steady),
        load_(static_cast<std::size_t>(options.nodes)) {}

  Trace run() {
    for (int node = 0; node < options_.nodes; ++node) {
      for (int i = 0; i < kDaemons; ++i) {
        place(node);
      }
    }
    for (int i = 0; i < options_.nodes * kLongLived; ++i) {
      time_.after(random_.between(minutes(2), minutes(8)), [this] { (void)add(); });
    }
    const int deployments = std::max(1, options_.nodes * 2 / 5);
    deployments_.resize(static_cast<std::size_t>(deployments));
    for (auto& one : deployments_) {
      time_.after(random_.between(minutes(2), minutes(15)), [this, &one] { deploy(one); });
    }
    time_.after(minutes(10), [this] { cron(options_.nodes * 3 / 5, seconds(90), minutes(5)); });
    time_.after(minutes(15), [this] { cron(options_.nodes * 2, minutes(4), hours(1)); });
    if (options_.tide > 0) {
      time_.after(minutes(20), [this] { tide(); });
    }
    single_job();
    time_.pass(hours(1000), [this] { return full(); });
    trace_.length = time_.now().steady - begin_;
    return std::move(trace_);
  }

 private:
  struct Deployment {
    std::vector<int> pods;
  };

  bool full() const { return static_cast<int>(trace_.churn.size()) >= options_.operations; }

  void record(bool adding, int pod, int node) {
    if (!full()) {
      trace_.churn.push_back({time_.now().steady - begin_, adding, pod, node});
    }
  }
  int place(int node) {
    ++load_[static_cast<std::size_t>(node)];
    nodes_.push_back(node);
    const int pod = static_cast<int>(nodes_.size()) - 1;
    record(true, pod, node);
    return pod;
  }
  /// The scheduler: the least loaded of some nodes. -1 if they are full.
  int add() {
    int best = -1;
    for (int i = 0; i < kCandidates; ++i) {
      const int node = random_.between(0, options_.nodes - 1);
      const auto load = [&](int which) { return load_[static_cast<std::size_t>(which)]; };
      if (load(node) < options_.pods_per_node + options_.tide &&
          (best < 0 || load(node) < load(best))) {
        best = node;
      }
    }
    return best < 0 ? -1 : place(best);
  }
  void remove(int pod) {
    if (pod >= 0) {
      const int node = nodes_[static_cast<std::size_t>(pod)];
      --load_[static_cast<std::size_t>(node)];
      record(false, pod, node);
    }
  }

  void deploy(Deployment& one) {
    const int draw = random_.between(0, 9);
    const int replicas = draw < 6   ? random_.between(3, 10)
                         : draw < 9 ? random_.between(10, 30)
                                    : random_.between(30, 60);
    scale_up(one, replicas);
    time_.after(random_.between(minutes(15), minutes(60)), [this, &one] { roll_out(one, 0); });
    time_.after(random_.between(minutes(5), minutes(30)), [this, &one] { scale(one); });
  }
  void scale_up(Deployment& one, int more) {
    for (int i = 0; i < more; ++i) {
      time_.after(random_.between(milliseconds(0), seconds(5)),
                  [this, &one] { one.pods.push_back(add()); });
    }
  }
  /// A quarter of the pods at a time: new ones first, the old ones go when those are ready.
  void roll_out(Deployment& one, std::size_t done) {
    const auto step = std::max<std::size_t>(1, one.pods.size() / 4);
    const auto end = std::min(one.pods.size(), done + step);
    for (auto i = done; i < end; ++i) {
      const int fresh = add();
      const int old = std::exchange(one.pods[i], fresh);
      time_.after(random_.between(seconds(4), seconds(40)), [this, old] { remove(old); });
    }
    if (end < one.pods.size()) {
      time_.after(random_.between(seconds(8), seconds(30)),
                  [this, &one, end] { roll_out(one, end); });
    } else {
      time_.after(random_.between(minutes(30), minutes(90)), [this, &one] { roll_out(one, 0); });
    }
  }
  /// Half again to twice as many, for a while.
  void scale(Deployment& one) {
    const int replicas = static_cast<int>(one.pods.size());
    const int more = std::max(1, random_.between(replicas / 2, replicas));
    scale_up(one, more);
    const auto hold = random_.between(minutes(3), minutes(15));
    time_.after(hold, [this, &one, more] {
      for (int i = 0; i < more && !one.pods.empty(); ++i) {
        const int pod = one.pods.back();
        one.pods.pop_back();
        time_.after(random_.between(milliseconds(0), seconds(30)), [this, pod] { remove(pod); });
      }
    });
    time_.after(hold + random_.between(minutes(10), minutes(30)), [this, &one] { scale(one); });
  }
  void cron(int pods, base::Duration longest, base::Duration period) {
    for (int i = 0; i < std::max(1, pods); ++i) {
      job(random_.between(milliseconds(0), seconds(3)), random_.between(seconds(15), longest));
    }
    time_.after(period, [this, pods, longest, period] { cron(pods, longest, period); });
  }
  /// One every five seconds or so on fifty nodes, 20 s to 15 min long.
  void single_job() {
    const double length = 20.0 * std::exp(3.8 * random_.between(0, 1000) / 1000.0);
    job(minutes(2),
        std::chrono::duration_cast<base::Duration>(std::chrono::duration<double>(length)));
    time_.after(random_.between(seconds(0), seconds(500)) / options_.nodes,
                [this] { single_job(); });
  }
  void tide() {
    for (int i = 0; i < options_.tide * options_.nodes; ++i) {
      job(random_.between(seconds(0), minutes(2)), random_.between(minutes(3), minutes(13)));
    }
    time_.after(minutes(40), [this] { tide(); });
  }
  void job(base::Duration after, base::Duration length) {
    time_.after(after, [this, length] {
      const int pod = add();
      time_.after(length, [this, pod] { remove(pod); });
    });
  }

  TraceOptions options_;
  sim::Random random_;
  sim::Timeline time_;
  base::SteadyTime begin_;
  std::vector<int> load_;   // pods, by node
  std::vector<int> nodes_;  // by pod
  std::vector<Deployment> deployments_;
  Trace trace_;
};

}  // namespace

Trace churn_trace(const TraceOptions& options) {
  return Cluster(options).run();
}

Trace start_trace(int nodes, int pods) {
  Trace trace;
  for (int pod = 0; pod < nodes * pods; ++pod) {
    trace.churn.push_back({{}, true, pod, pod % nodes});
  }
  return trace;
}

}  // namespace vpccni::pool
