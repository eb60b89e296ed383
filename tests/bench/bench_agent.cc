// bench-agent: the agent alone, without plugin and pods. Run on a lab node (scripts/bench agent).
// usage: bench-agent ready FILE CMD ARG...   becomes CMD; FILE gets the milliseconds from the start
//                                            of CMD until the agent's health is SERVING
//        bench-agent calls HELD PAIRS        ADD for HELD pods that stay, then PAIRS times ADD and
//                                            DEL of one more, timed; prints one JSON object
//        bench-agent release HELD            DEL for those pods

#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iostream>
#include <span>
#include <thread>

#include "base/json.h"
#include "base/text.h"
#include "rpc/client.h"
#include "rpc/wire.pb.h"
#include "tests/bench/percentile.h"

namespace {

using namespace vpccni;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

const std::string kAgent = "unix:///var/run/aws-node/ipamd.sock";

double milliseconds(Clock::duration d) {
  return std::chrono::duration<double, std::milli>(d).count();
}

template <class Answer, class Request>
std::optional<Answer> ask(const std::string& path, const Request& request) {
  const auto reply = vpccni::rpc::call(kAgent, path, request.SerializeAsString(), {});
  Answer answer;
  if (!reply || reply->status.code != vpccni::rpc::Code::ok ||
      !answer.ParseFromString(reply->bytes)) {
    return std::nullopt;
  }
  return answer;
}

bool serving() {
  const auto answer =
      ask<::rpc::HealthCheckResponse>("/grpc.health.v1.Health/Check", ::rpc::HealthCheckRequest());
  return answer && answer->status() == ::rpc::HealthCheckResponse::SERVING;
}

std::string sandbox(const std::string& pod) {
  return base::hex(std::string(24, 'a') + pod.substr(0, 8));
}

bool add(const std::string& pod) {
  ::rpc::AddNetworkRequest request;
  request.set_k8s_pod_name(pod);
  request.set_k8s_pod_namespace("bench");
  request.set_containerid(sandbox(pod));
  request.set_ifname("eth0");
  request.set_networkname("aws-cni");
  const auto answer = ask<::rpc::AddNetworkReply>("/rpc.CNIBackend/AddNetwork", request);
  return answer && answer->success();
}

bool del(const std::string& pod) {
  ::rpc::DelNetworkRequest request;
  request.set_k8s_pod_name(pod);
  request.set_k8s_pod_namespace("bench");
  request.set_containerid(sandbox(pod));
  request.set_ifname("eth0");
  request.set_networkname("aws-cni");
  request.set_reason("PodDeleted");
  const auto answer = ask<::rpc::DelNetworkReply>("/rpc.CNIBackend/DelNetwork", request);
  return answer && answer->success();
}

std::string held_pod(int number) {
  return "h" + std::to_string(number);
}

/// The agent keeps this process's id; a child watches it come up, and ends with it.
int ready(const char* file, char** command) {
  const auto begin = Clock::now();
  if (::fork() == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (!serving()) {
      std::this_thread::sleep_for(1ms);
    }
    std::ofstream(file) << std::lround(milliseconds(Clock::now() - begin)) << '\n';
    ::_exit(0);
  }
  ::execv(*command, command);
  return 1;
}

int calls(int held, int pairs) {
  int failed = 0;
  for (int i = 0; i < held; ++i) {
    failed += add(held_pod(i)) ? 0 : 1;
  }
  std::vector<double> adds;
  std::vector<double> dels;
  for (int i = 0; i < pairs; ++i) {
    const std::string pod = "p" + std::to_string(i % 10'000'000);
    const auto begin = Clock::now();
    failed += add(pod) ? 0 : 1;
    const auto between = Clock::now();
    failed += del(pod) ? 0 : 1;
    adds.push_back(milliseconds(between - begin));
    dels.push_back(milliseconds(Clock::now() - between));
  }
  auto all = adds;
  all.insert(all.end(), dels.begin(), dels.end());
  base::OrderedJson out;
  out["held"] = held;
  out["calls"] = all.size();
  out["failed"] = failed;
  out["rpc_p50_ms"] = bench::percentile(all, 0.5);
  out["rpc_p99_ms"] = bench::percentile(all, 0.99);
  out["add_p50_ms"] = bench::percentile(adds, 0.5);
  out["add_p99_ms"] = bench::percentile(adds, 0.99);
  out["del_p50_ms"] = bench::percentile(dels, 0.5);
  out["del_p99_ms"] = bench::percentile(dels, 0.99);
  std::cout << base::dump_json(out) << '\n';
  return failed == 0 ? 0 : 1;
}

int release(int held) {
  int failed = 0;
  for (int i = 0; i < held; ++i) {
    failed += del(held_pod(i)) ? 0 : 1;
  }
  return failed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::span<char*> words(argv, static_cast<std::size_t>(argc));
  const std::string_view what = argc > 1 ? words[1] : "";
  const auto number = [&](std::size_t at) {
    return at < words.size() ? base::parse_integer<int>(words[at]).value_or(-1) : -1;
  };
  if (what == "ready" && argc > 3) {
    return ready(words[2], &words[3]);
  }
  if (what == "calls" && number(2) >= 0 && number(3) > 0) {
    return calls(number(2), number(3));
  }
  if (what == "release" && number(2) >= 0) {
    return release(number(2));
  }
  std::cerr << "usage: bench-agent ready FILE CMD ARG... | calls HELD PAIRS | release HELD\n";
  return 2;
}
