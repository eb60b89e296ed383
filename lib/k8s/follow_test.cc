// Following a node through watches that end, break and grow too old, in virtual time.
#include "k8s/follow.h"

#include <catch2/catch.hpp>
#include <deque>

namespace vpccni::k8s {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Waiting moves the time; the test's stop comes after `limit`.
class JumpingClock final : public base::Clock {
 public:
  base::Instant now() const override { return {now_, {}}; }
  bool wait_until(base::SteadyTime until, std::stop_token stop) const override {
    waits.push_back(until - now_);
    now_ = until;
    if (waits.size() >= 100) {
      FAIL("waits for ever");
    }
    return !stop.stop_requested();
  }
  void pass(base::Duration time) const { now_ += time; }

  mutable std::vector<base::Duration> waits;

 private:
  mutable base::SteadyTime now_{};
};

Node node_of(const std::string& name, const std::string& label) {
  return {name, {{"label", label}}, {}, {}, 29};
}

/// Holds one node. Each call of list and watch takes the next step of the script; the last one
/// requests the stop.
class ScriptedApi final : public Api {
 public:
  struct Step {
    std::vector<Change<Node>> changes;
    Result<> end;
    base::Duration takes = seconds(400);
  };
  explicit ScriptedApi(const JumpingClock& clock) : clock_(clock) {}

  Result<Listed<Node>> list_node(const std::string& name, const std::stop_token&) override {
    calls.push_back("list");
    CHECK(name == "node-1");
    if (list_errors.empty()) {
      return Listed<Node>{{node_of("node-1", "listed")}, "10"};
    }
    const Error error = list_errors.front();
    list_errors.pop_front();
    return error;
  }
  Result<> watch_node(const std::string&, const std::string& version, const Listener<Node>& heard,
                      const std::stop_token&) override {
    calls.push_back("watch " + version);
    if (steps.empty()) {
      stop.request_stop();
      return {};
    }
    const Step step = steps.front();
    steps.pop_front();
    clock_.pass(step.takes);
    for (const auto& change : step.changes) {
      heard(change);
    }
    return step.end;
  }
  Result<std::string> version() override { return unused(); }
  Result<Node> node(const std::string&) override { return unused(); }
  Result<Pod> pod(const std::string&, const std::string&, base::Duration) override {
    return unused();
  }
  Result<Listed<Pod>> pods_on_node(const std::string&, Freshness, const std::stop_token&) override {
    return unused();
  }
  Result<> watch_pods(const std::string&, const std::string&, const Listener<Pod>&,
                      const std::stop_token&) override {
    return unused();
  }
  Result<EniConfig> eni_config(const std::string&) override { return unused(); }
  Result<CniNode> cni_node(const std::string&) override { return unused(); }
  Result<> set_features(const CniNode&) override { return unused(); }
  Result<> annotate_pod(const std::string&, const std::string&, const std::string&,
                        const std::string&, base::Duration) override {
    return unused();
  }
  Result<std::string> create_event(const NewEvent&) override { return unused(); }
  Result<> repeat_event(const std::string&, const std::string&, int) override { return unused(); }

  std::deque<Step> steps;
  std::deque<Error> list_errors;
  std::vector<std::string> calls;
  std::stop_source stop;

 private:
  static Error unused() { return {Errc::internal, "not asked by these tests"}; }
  const JumpingClock& clock_;
};

struct Site {
  std::vector<std::string> run() {
    const Follower<Node> follower{
        [this](std::vector<Node> nodes) {
          heard.push_back("listed " + std::to_string(nodes.size()));
        },
        [this](const Node& node, bool gone) {
          heard.push_back(gone ? "gone" : node.labels.at("label"));
        },
        [this](const Error& error) { heard.push_back("trouble " + error.message); }};
    follow_node(
        api, clock, [] { return 0.5; }, "node-1", follower, api.stop.get_token());
    return heard;
  }

  JumpingClock clock;
  ScriptedApi api{clock};
  std::vector<std::string> heard;
};

Change<Node> present(const std::string& label, const std::string& version) {
  return {Change<Node>::Kind::present, node_of("node-1", label), version};
}
const Change<Node> kGone{Change<Node>::Kind::gone, node_of("node-1", "old"), "13"};
const Change<Node> kBookmark{Change<Node>::Kind::bookmark, {}, "20"};
const Error kTooOld{Errc::conflict, "too old", "410"};

using Words = std::vector<std::string>;

TEST_CASE("k8s follow: changes arrive in order, and a watch goes on where the last one ended") {
  Site site;
  site.api.steps = {{{present("one", "11"), present("two", "12"), kGone}, {}}, {{kBookmark}, {}}};
  CHECK(site.run() == Words{"listed 1", "one", "two", "gone"});
  CHECK(site.api.calls == Words{"list", "watch 10", "watch 13", "watch 20"});
  CHECK(site.clock.waits.empty());  // the server ended them: that is no failure
}

TEST_CASE("k8s follow: a version that is too old is a new list, without an alarm") {
  Site site;
  site.api.steps = {{{present("one", "11")}, kTooOld}};
  CHECK(site.run() == Words{"listed 1", "one", "listed 1"});
  CHECK(site.api.calls == Words{"list", "watch 10", "list", "watch 10"});
  CHECK(site.clock.waits.size() == 1);  // all nodes learn it at the same moment
}

TEST_CASE("k8s follow: a watch that is cut goes on with its version; the waits grow to a bound") {
  Site site;
  const Error cut{Errc::unavailable, "cut"};
  for (int i = 0; i < 8; ++i) {
    site.api.steps.push_back({{}, cut});
  }
  const auto heard = site.run();
  CHECK(std::count(heard.begin(), heard.end(), "trouble cut") == 8);
  CHECK(std::count(site.api.calls.begin(), site.api.calls.end(), "list") == 1);
  CHECK(site.clock.waits == std::vector<base::Duration>{milliseconds(750), milliseconds(1500),
                                                        seconds(3), seconds(6), seconds(12),
                                                        milliseconds(22500), milliseconds(22500),
                                                        milliseconds(22500)});
}

TEST_CASE("k8s follow: silence is no trouble, a connection that does not come about is") {
  Site site;
  const Error timeout{Errc::timeout, "no answer"};
  site.api.steps = {{{}, timeout, seconds(150)}, {{}, timeout, seconds(2)}};
  CHECK(site.run() == Words{"listed 1", "trouble no answer"});
  CHECK(site.api.calls == Words{"list", "watch 10", "watch 10", "watch 10"});
  CHECK(site.clock.waits.size() == 1);
}

TEST_CASE("k8s follow: what cannot be understood is listed anew") {
  Site site;
  site.api.steps = {{{}, Error{Errc::corrupt, "odd"}}};
  CHECK(site.run() == Words{"listed 1", "trouble odd", "listed 1"});
}

TEST_CASE("k8s follow: an API server that comes later is found within seconds") {
  Site site;
  for (int i = 0; i < 20; ++i) {
    site.api.list_errors.push_back({Errc::unavailable, "refused"});
  }
  const auto heard = site.run();
  CHECK(heard.back() == "listed 1");
  CHECK(*std::max_element(site.clock.waits.begin(), site.clock.waits.end()) <= seconds(5));
}

TEST_CASE("k8s follow: watches that end at once do not make a circle") {
  Site site;
  for (int i = 0; i < 5; ++i) {
    site.api.steps.push_back({{}, {}, {}});
  }
  site.run();
  CHECK(site.clock.waits.size() == 5);
}

TEST_CASE("k8s follow: the delay is spread over its second half") {
  CHECK(follow_delay(1, true, 0) == milliseconds(500));
  CHECK(follow_delay(1, true, 0.999) < seconds(1));
  CHECK(follow_delay(1000, true, 0) == seconds(15));
  CHECK(follow_delay(1000, false, 0) == milliseconds(2500));
}

}  // namespace
}  // namespace vpccni::k8s
