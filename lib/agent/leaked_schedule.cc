#include "agent/leaked_schedule.h"

#include <random>

namespace vpccni::agent {

namespace {

constexpr auto kPeriod = std::chrono::hours(1);
constexpr int kSpread = 299;  // seconds

}  // namespace

LeakedSchedule::LeakedSchedule(event::Loop& loop, Worker& worker, const Edges& edges,
                               const Node& node)
    : loop_(loop), worker_(worker), edges_(edges), node_(node) {
  arm();
}

void LeakedSchedule::arm() {
  std::random_device random;
  const std::chrono::seconds more(std::uniform_int_distribution<int>(0, kSpread)(random));
  timer_ = loop_.after(kPeriod + more, [this] {
    worker_.post([this](const std::stop_token& stop) {
      clean_leaked_enis(edges_, node_, stop);
      loop_.post([this] { arm(); });
    });
  });
}

std::unique_ptr<LeakedSchedule> schedule_leaked(event::Loop& loop, Worker& worker,
                                                const Edges& edges, const Node& node) {
  if (!cleans_leaked_enis(node.settings)) {
    return nullptr;
  }
  return std::make_unique<LeakedSchedule>(loop, worker, edges, node);
}

}  // namespace vpccni::agent
