// The checkpoint ('0') and the file of cooling addresses ('1'), and what a start-up makes of them:
// '2' is a cooling file, an empty line, and a checkpoint.

#include "ipam/checkpoint.h"
#include "ipam/core.h"
#include "tests/fuzz/fuzz.h"

namespace vpccni {
namespace {

using fuzz::require;

std::vector<ipam::Assignment> check_checkpoint(std::string_view bytes) {
  const auto read = ipam::parse_checkpoint(bytes);
  if (!read) {
    return {};
  }
  const std::string written = ipam::format_checkpoint(*read);
  const auto again = ipam::parse_checkpoint(written);
  require(again && *again == *read, "a written checkpoint reads the same");
  require(ipam::format_checkpoint(*again) == written, "and is written the same");
  return *read;
}

ipam::Recent check_recent(std::string_view bytes) {
  const auto read = ipam::parse_recent(bytes);
  const auto again = ipam::parse_recent(ipam::format_recent(read));
  // Of several spellings of one address the last counts.
  const auto by_name = [](const auto& times) {
    std::map<std::string, base::WallTime> out;
    for (const auto& [name, at] : times) {
      out.insert_or_assign(to_string(name), at);
    }
    return out;
  };
  require(by_name(read.cooling) == by_name(again.cooling), "what cools reads the same");
  require(by_name(read.unassigned) == by_name(again.unassigned), "what went reads the same");
  return read;
}

/// A node with one ENI whose addresses are 10.0.0.0/28 and some single ones starts with these
/// files.
void check_start(const std::vector<ipam::Assignment>& checkpoint, const ipam::Recent& recent) {
  const fuzz::FakeClock clock;
  const auto now = clock.now();
  ipam::Core core({}, now);
  const auto ip = [](std::uint32_t last) { return net::Ip::v4(0x0a000000U + last); };
  ipam::EniReady ready;
  ready.facts.id = net::EniId("eni-0a");
  ready.facts.primary = true;
  ready.facts.primary_ip = ip(100);
  for (std::uint32_t last = 1; last < 16; ++last) {
    ready.blocks.push_back(net::Cidr::host(ip(last)));
  }
  core.on(ready, now);
  const auto report = core.restore(
      checkpoint, {{ip(3), "eni1/02:00:00:00:00:01"}}, recent,
      [](const ipam::Assignment& one) { return one.key.container.size() % 2 == 0; }, now);
  require(report.dropped.size() + report.conflicts.size() + report.quarantined.size() <=
              checkpoint.size(),
          "each entry is told once");
  const auto kept = core.store().assignments();
  for (const auto& one : kept) {
    require(core.store().find(one.key).has_value(), "who has an address is found by key");
  }
  (void)core.next_tick(now);
  (void)core.store().next_ready(now.wall);
  const auto written = ipam::parse_checkpoint(ipam::format_checkpoint(core.store().assignments()));
  require(written && written->size() == kept.size(), "the state after a start is readable");
  core.on(ipam::PodAdd{.token = 1, .key = {"aws-cni", "fuzz", "eth0"}, .pod = {"a", "b", 1}}, now);
  (void)core.take_effects(now);
  (void)core.store().stats((now + std::chrono::hours(1)).wall);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  switch (fuzz::take_choice(input, 3)) {
    case 0:
      check_start(check_checkpoint(input), {});
      break;
    case 1:
      check_start({}, check_recent(input));
      break;
    default: {
      const auto recent = check_recent(fuzz::take_until(input, "\n\n"));
      check_start(check_checkpoint(input), recent);
    }
  }
  return 0;
}

}  // namespace vpccni
