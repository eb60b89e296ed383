// The place on the card that is kept for a trunk ENI.
#include <catch2/catch.hpp>

#include "ipam/core.h"

namespace vpccni::ipam {
namespace {

using std::chrono::seconds;

/// A core with the primary ENI, which wants another one.
struct Site {
  explicit Site(CoreOptions options) : core(options, now) {
    core.on(EniReady{{.id = net::EniId("eni-1"), .primary = true, .set_up = true}, {}}, now);
  }
  /// How many ENIs may be on the card with the one that is created; nullopt if none is.
  std::optional<int> places() {
    for (int i = 0; i < 10; ++i) {
      for (const auto& effect : core.take_effects(now)) {
        if (const auto* write = std::get_if<WriteCheckpoint>(&effect)) {
          core.on(CheckpointWritten{write->serial, {}}, now);
        } else if (const auto* execute = std::get_if<Execute>(&effect)) {
          const auto* create = std::get_if<CreateEni>(&execute->action);
          return create != nullptr ? std::optional(create->places) : std::nullopt;
        }
      }
    }
    return std::nullopt;
  }

  base::Instant now{base::SteadyTime(seconds(1000)), base::WallTime(seconds(1700000000))};
  Core core;
};

}  // namespace

TEST_CASE("a new ENI is told how many may be on the card, the trunk's place not among them") {
  CoreOptions options;
  options.targets = {.warm_enis = 1, .max_pods = 29};
  options.limits = {.enis = 4, .slots_per_eni = 2};
  options.foreign_enis = 1;
  const auto full = [](Site& site) {
    site.core.on(EniReady{{.id = net::EniId("eni-1"), .primary = true, .set_up = true},
                          {*net::Cidr::parse("10.0.0.20/32"), *net::Cidr::parse("10.0.0.21/32")}},
                 site.now);
    site.core.on(PodAdd{1, {"aws-cni", "a", "eth0"}, {"default", "a", 1}}, site.now);
  };
  Site alone(options);
  full(alone);
  CHECK(alone.places() == 5);

  options.awaits_trunk = true;
  Site awaiting(options);
  full(awaiting);
  CHECK(awaiting.places() == 4);

  Site there(options);
  there.core.on(EniReady{{.id = net::EniId("eni-2"), .trunk = true, .set_up = true}, {}},
                there.now);
  full(there);
  CHECK(there.places() == 5);
}

}  // namespace vpccni::ipam
