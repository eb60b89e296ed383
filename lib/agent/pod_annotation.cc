#include "agent/pod_annotation.h"

namespace vpccni::agent {

namespace {

constexpr const char* kPodIps = "vpc.amazonaws.com/pod-ips";

// As upstream: four tries, 10 ms, 50 ms and 250 ms apart.
constexpr int kTries = 4;
constexpr auto kFirstPause = std::chrono::milliseconds(10);
constexpr int kPauseGrows = 5;

Result<base::Duration> time_left(const base::Clock& clock, base::SteadyTime deadline) {
  const auto left = deadline - clock.now().steady;
  if (left <= base::Duration::zero()) {
    return Error{Errc::timeout, "the API server did not answer in time"};
  }
  return left;
}

template <class Attempt>
Result<> again_on_conflict(const base::Clock& clock, const std::stop_token& stop,
                           const Attempt& attempt) {
  base::Duration pause = kFirstPause;
  for (int tried = 1;; ++tried, pause *= kPauseGrows) {
    auto done = attempt();
    if (done || done.error().code != Errc::conflict || tried == kTries ||
        !clock.wait_for(pause, stop)) {
      return done;
    }
  }
}

Result<> patch(k8s::Api& api, const base::Clock& clock, const PodAddress& what,
               const std::string& value, base::SteadyTime deadline) {
  VPCCNI_TRY(const auto left, time_left(clock, deadline));
  return api.annotate_pod(what.name_space, what.pod, kPodIps, value, left);
}

std::string doing(const char* verb, const PodAddress& what) {
  return std::string(verb) + " " + kPodIps + " of pod " + what.name_space + "/" + what.pod;
}

}  // namespace

Result<> annotate_pod(k8s::Api& api, const base::Clock& clock, const PodAddress& what,
                      base::SteadyTime deadline, const std::stop_token& stop) {
  // Without a look first: to set what is set already changes nothing.
  return wrap(again_on_conflict(clock, stop,
                                [&] { return patch(api, clock, what, what.address, deadline); }),
              doing("set", what));
}

Result<> clear_annotation(k8s::Api& api, const base::Clock& clock, const PodAddress& what,
                          base::SteadyTime deadline, const std::stop_token& stop) {
  const auto attempt = [&]() -> Result<> {
    VPCCNI_TRY(const auto left, time_left(clock, deadline));
    VPCCNI_TRY(const auto pod, api.pod(what.name_space, what.pod, left));
    const auto found = pod.annotations.find(kPodIps);
    if (found == pod.annotations.end() || found->second.empty()) {
      return {};
    }
    if (found->second != what.address) {
      return Error{Errc::already_exists,
                   "it holds " + found->second.substr(0, 64) + ", not " + what.address};
    }
    return patch(api, clock, what, "", deadline);
  };
  auto done = again_on_conflict(clock, stop, attempt);
  if (!done && done.error().code == Errc::not_found) {
    return {};
  }
  return wrap(std::move(done), doing("clear", what));
}

}  // namespace vpccni::agent
