// The worked examples of spec agent.md 4.2.1 and the rows of 11.2, one by one.

#include "tests/bench/pool/upstream_targets.h"

#include <catch2/catch.hpp>

namespace vpccni::pool {
namespace {

/// m5.large: 3 ENIs with 10 addresses.
UpstreamTargets secondary(int warm_enis, int warm_ips = 0, int minimum_ips = 0) {
  return {.warm_enis = warm_enis,
          .warm_ips = warm_ips,
          .minimum_ips = minimum_ips,
          .max_pods = 29,
          .ips_per_eni = 9};
}

UpstreamTargets prefix(int warm_prefixes, int warm_ips = 0, int minimum_ips = 0) {
  return {.prefixes = true,
          .warm_ips = warm_ips,
          .minimum_ips = minimum_ips,
          .warm_prefixes = warm_prefixes,
          .max_pods = 110,
          .ips_per_eni = 144,
          .prefixes_per_eni = 9};
}

}  // namespace

TEST_CASE("upstream targets: warm ENI") {
  struct Row {
    int warm, total, assigned;
    bool low, extra;
  };
  const Row rows[] = {{1, 0, 0, true, false},   {1, 9, 0, false, false},  {1, 9, 1, true, false},
                      {1, 18, 9, false, false}, {1, 18, 10, true, false}, {1, 27, 10, false, false},
                      {1, 27, 9, false, true},  {1, 27, 27, true, false}, {1, 29, 29, false, false},
                      {0, 9, 8, false, false},  {0, 9, 9, true, false},   {0, 18, 9, false, true},
                      {2, 18, 1, true, false}};
  for (const auto& row : rows) {
    CAPTURE(row.warm, row.total, row.assigned);
    const UpstreamCounts counts{.total = row.total, .assigned = row.assigned};
    const auto targets = secondary(row.warm);
    CHECK(too_low(targets, counts) == row.low);
    CHECK_FALSE(too_high(targets, counts));
    CHECK(wanted_for_new_eni(targets, counts) == 9);
    CHECK(extra_enis(targets, counts, false) == row.extra);
  }
}

TEST_CASE("upstream targets: warm and minimum IP") {
  struct Row {
    int warm, minimum, total, assigned, shortage, surplus;
    bool low;
    int wanted;
  };
  const Row rows[] = {{5, 0, 0, 0, 5, 0, true, 5},     {5, 0, 5, 0, 0, 0, false, 0},
                      {5, 0, 5, 1, 1, 0, true, 1},     {5, 0, 9, 6, 2, 0, true, 2},
                      {5, 0, 11, 6, 0, 0, false, 0},   {5, 0, 11, 2, 0, 4, false, 0},
                      {5, 0, 27, 20, 0, 2, false, 0},  {5, 0, 27, 25, 3, 0, true, 3},
                      {5, 0, 29, 27, 3, 0, false, 3},  {2, 10, 0, 0, 10, 0, true, 9},
                      {2, 10, 9, 0, 1, 0, true, 1},    {2, 10, 10, 8, 0, 0, false, 0},
                      {2, 10, 10, 9, 1, 0, true, 1},   {2, 10, 14, 3, 0, 4, false, 0},
                      {2, 10, 12, 9, 0, 1, false, 0},  {0, 10, 0, 0, 10, 0, true, 9},
                      {0, 10, 10, 10, 0, 0, false, 0}, {0, 10, 14, 12, 0, 2, false, 0},
                      {0, 10, 9, 9, 1, 0, true, 1}};
  for (const auto& row : rows) {
    CAPTURE(row.warm, row.minimum, row.total, row.assigned);
    const UpstreamCounts counts{.total = row.total, .assigned = row.assigned};
    const auto targets = secondary(1, row.warm, row.minimum);
    CHECK(distance(targets, counts).shortage == row.shortage);
    CHECK(distance(targets, counts).surplus == row.surplus);
    CHECK(too_low(targets, counts) == row.low);
    CHECK(number_to_release(targets, counts) == row.surplus);
    CHECK(wanted_for_new_eni(targets, counts) == row.wanted);
    CHECK(extra_enis(targets, counts, false));
  }
}

TEST_CASE("upstream targets: warm prefix") {
  struct Row {
    int warm, total, assigned, prefixes, free;
    bool low;
    int release, wanted;
  };
  const Row rows[] = {
      {1, 0, 0, 0, 0, true, 0, 1},    {1, 16, 0, 1, 1, false, 0, 1}, {1, 16, 1, 1, 0, true, 0, 1},
      {1, 32, 16, 2, 1, false, 0, 1}, {1, 32, 17, 2, 0, true, 0, 1}, {1, 48, 1, 3, 2, false, 1, 1},
      {1, 48, 3, 3, 0, false, 0, 1},  {3, 0, 0, 0, 0, true, 0, 3},   {3, 16, 1, 1, 0, true, 0, 3},
      {3, 48, 1, 3, 2, true, 0, 1},   {3, 64, 1, 4, 3, false, 0, 1}, {0, 0, 0, 0, 0, true, 0, 1},
      {0, 16, 15, 1, 0, false, 0, 1}, {0, 16, 16, 1, 0, true, 0, 1}, {0, 32, 4, 2, 1, false, 1, 1}};
  for (const auto& row : rows) {
    CAPTURE(row.warm, row.total, row.assigned, row.free);
    const UpstreamCounts counts{row.total, row.assigned, row.prefixes, row.free};
    const auto targets = prefix(row.warm);
    CHECK(too_low(targets, counts) == row.low);
    CHECK(too_high(targets, counts) == (row.release > 0));
    CHECK(number_to_release(targets, counts) == row.release);
    CHECK(prefixes_wanted(targets, counts) == row.wanted);
    CHECK(wanted_for_new_eni(targets, counts) == row.wanted);
  }
  const auto one = prefix(1);
  CHECK_FALSE(extra_enis(one, {.total = 287}, false));
  CHECK(extra_enis(one, {.total = 288}, false));
  CHECK(extra_enis(one, {.total = 16}, true));
}

TEST_CASE("upstream targets: warm and minimum IP in prefixes") {
  struct Row {
    int warm, minimum, total, assigned, prefixes, free, shortage, surplus;
    bool low;
  };
  const Row rows[] = {{5, 0, 0, 0, 0, 0, 1, 0, true},     {5, 0, 16, 0, 1, 1, 0, 0, false},
                      {5, 0, 16, 11, 1, 0, 0, 0, false},  {5, 0, 16, 12, 1, 0, 1, 0, true},
                      {5, 0, 32, 12, 2, 1, 0, 0, false},  {5, 0, 32, 11, 2, 1, 0, 1, false},
                      {5, 0, 48, 3, 3, 0, 0, 0, false},   {5, 0, 48, 2, 3, 1, 0, 1, false},
                      {5, 0, 64, 1, 4, 3, 0, 3, false},   {40, 0, 0, 0, 0, 0, 3, 0, true},
                      {40, 0, 48, 0, 3, 3, 0, 0, false},  {0, 20, 0, 0, 0, 0, 2, 0, true},
                      {0, 20, 16, 0, 1, 1, 1, 0, true},   {0, 20, 48, 0, 3, 3, 0, 1, false},
                      {0, 20, 32, 32, 2, 0, 0, 0, false}, {7, 20, 32, 25, 2, 0, 0, 0, false},
                      {7, 20, 32, 26, 2, 0, 1, 0, true},  {7, 20, 80, 40, 5, 1, 0, 1, false},
                      {7, 20, 80, 9, 5, 4, 0, 3, false}};
  for (const auto& row : rows) {
    CAPTURE(row.warm, row.minimum, row.total, row.assigned, row.free);
    const UpstreamCounts counts{row.total, row.assigned, row.prefixes, row.free};
    const auto targets = prefix(1, row.warm, row.minimum);
    CHECK(distance(targets, counts).shortage == row.shortage);
    CHECK(distance(targets, counts).surplus == row.surplus);
    CHECK(too_low(targets, counts) == row.low);
  }
}

TEST_CASE("upstream targets: the rows of 11.2") {
  CHECK(distance(secondary(1, 1), {.total = 4, .assigned = 2}).surplus == 1);
  CHECK_FALSE(too_low(prefix(1), {16, 0, 1, 1}));
  CHECK(too_low(prefix(1), {16, 1, 1, 0}));
  CHECK_FALSE(too_low(prefix(0), {16, 1, 1, 0}));
  CHECK(too_low(prefix(0), {}));
  auto few_pods = prefix(1);
  few_pods.max_pods = 4;
  CHECK_FALSE(too_low(few_pods, {16, 3, 1, 0}));
}

}  // namespace vpccni::pool
