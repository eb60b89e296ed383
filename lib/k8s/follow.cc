#include "k8s/follow.h"

#include <algorithm>

namespace vpccni::k8s {

namespace {

using std::chrono::seconds;

constexpr auto kFirstDelay = seconds(1);
constexpr auto kLongestDelay = seconds(30);
constexpr auto kLongestAtStart = seconds(5);
constexpr auto kShortestWatch = seconds(1);  // a shorter one would make us ask in a circle
// A silence this long is no connection that failed: nothing happened, and not every server sends
// bookmarks. It may be dead all the same, so the watch is made anew.
constexpr auto kQuietWatch = seconds(30);

template <class T>
struct Edge {
  std::function<Result<Listed<T>>()> list;
  std::function<Result<>(const std::string& version, const Listener<T>&)> watch;
};

template <class T>
class Following {
 public:
  Following(const base::Clock& clock, const RandomPart& random, const Edge<T>& edge,
            const Follower<T>& follower, const std::stop_token& stop)
      : clock_(clock), random_(random), edge_(edge), follower_(follower), stop_(stop) {}

  void run() {
    while (!stop_.stop_requested()) {
      const auto begin = clock_.now().steady;
      const auto ended = version_.empty() ? list() : watch();
      const auto lasted = clock_.now().steady - begin;
      if (stop_.stop_requested()) {
        return;
      }
      if (ended || (watched_ && ended.error().code == Errc::timeout && lasted >= kQuietWatch)) {
        failures_ = watched_ && lasted < kShortestWatch ? failures_ + 1 : 0;
      } else {
        fail(ended.error());
      }
      if (failures_ > 0) {
        (void)clock_.wait_for(follow_delay(failures_, heard_before_, random_()), stop_);
      }
    }
  }

 private:
  Result<> list() {
    watched_ = false;
    VPCCNI_TRY(auto listed, edge_.list());
    if (listed.version.empty()) {
      return Error{Errc::corrupt, "kubernetes: a list without a version"};
    }
    version_ = std::move(listed.version);
    heard_before_ = true;
    follower_.listed(std::move(listed.items));
    return {};
  }

  Result<> watch() {
    watched_ = true;
    return edge_.watch(version_, [this](Change<T> change) {
      version_ = std::move(change.version);
      failures_ = 0;
      if (change.kind != Change<T>::Kind::bookmark) {
        follower_.heard(change.object, change.kind == Change<T>::Kind::gone);
      }
    });
  }

  void fail(const Error& error) {
    ++failures_;
    if (is_gone(error)) {
      version_.clear();  // no trouble: the server forgets old versions
      return;
    }
    // A watch that was cut goes on where it was; after anything odd, all is read anew.
    if (error.code != Errc::unavailable && error.code != Errc::timeout &&
        error.code != Errc::throttled && error.code != Errc::denied) {
      version_.clear();
    }
    follower_.trouble(error);
  }

  const base::Clock& clock_;
  const RandomPart& random_;
  const Edge<T>& edge_;
  const Follower<T>& follower_;
  const std::stop_token& stop_;
  std::string version_;  // "" = list first
  int failures_ = 0;     // in a row
  bool heard_before_ = false;
  bool watched_ = false;
};

}  // namespace

base::Duration follow_delay(int failures, bool heard_before, double random) {
  const int doublings = std::clamp(failures - 1, 0, 10);
  const base::Duration grown = kFirstDelay * (1 << doublings);
  const auto whole =
      std::min<base::Duration>(grown, heard_before ? kLongestDelay : kLongestAtStart);
  return whole / 2 + std::chrono::duration_cast<base::Duration>((whole / 2) * random);
}

void follow_node(Api& api, const base::Clock& clock, const RandomPart& random,
                 const std::string& name, const Follower<Node>& follower,
                 const std::stop_token& stop) {
  const Edge<Node> edge{[&] { return api.list_node(name, stop); },
                        [&](const std::string& version, const Listener<Node>& heard) {
                          return api.watch_node(name, version, heard, stop);
                        }};
  Following<Node>(clock, random, edge, follower, stop).run();
}

void follow_pods(Api& api, const base::Clock& clock, const RandomPart& random,
                 const std::string& node, const Follower<Pod>& follower,
                 const std::stop_token& stop) {
  const Edge<Pod> edge{[&] { return api.pods_on_node(node, Freshness::any, stop); },
                       [&](const std::string& version, const Listener<Pod>& heard) {
                         return api.watch_pods(node, version, heard, stop);
                       }};
  Following<Pod>(clock, random, edge, follower, stop).run();
}

}  // namespace vpccni::k8s
