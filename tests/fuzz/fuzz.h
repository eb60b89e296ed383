#pragma once
// What the fuzz programs share. A program defines LLVMFuzzerTestOneInput; a property that does not
// hold aborts, which libFuzzer reports as a finding. Inputs are text where the format allows it, so
// that seeds can be read and written by hand.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"

namespace vpccni::fuzz {

inline void require(bool holds, std::string_view property) {
  if (!holds) {
    (void)std::fprintf(stderr, "property broken: %.*s\n", static_cast<int>(property.size()),
                       property.data());
    std::abort();
  }
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};  // NOLINT: libFuzzer's type
}

/// Takes the first byte off: which of `count` parsers is meant, '0' being the first.
inline unsigned take_choice(std::string_view& input, unsigned count) {
  if (input.empty()) {
    return 0;
  }
  const auto byte = static_cast<unsigned char>(input.front());
  input.remove_prefix(1);
  return static_cast<unsigned char>(byte - '0') % count;
}

/// Takes what stands before `end`, and `end` itself; all of it if there is none.
inline std::string_view take_until(std::string_view& input, std::string_view end) {
  const auto at = input.find(end);
  const auto part = input.substr(0, at);
  input.remove_prefix(at == std::string_view::npos ? input.size() : at + end.size());
  return part;
}

/// NAME=VALUE lines, up to an empty one.
inline std::map<std::string, std::string> take_environment(std::string_view& input) {
  std::map<std::string, std::string> out;
  while (!input.empty()) {
    std::string_view line = take_until(input, "\n");
    if (line.empty()) {
      break;
    }
    const auto name = take_until(line, "=");
    out.insert_or_assign(std::string(name), std::string(line));
  }
  return out;
}

/// Stands at 2025-12-17T12:00:00Z; waiting moves it.
class FakeClock final : public base::Clock {
 public:
  base::Instant now() const override { return now_; }
  bool wait_until(base::SteadyTime until, std::stop_token) const override {
    if (until > now_.steady) {
      now_ = now_ + (until - now_.steady);
    }
    return true;
  }

 private:
  mutable base::Instant now_{base::SteadyTime(std::chrono::seconds(1000)),
                             base::WallTime(std::chrono::seconds(1765972800))};
};

}  // namespace vpccni::fuzz
