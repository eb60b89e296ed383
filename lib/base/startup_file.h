#pragma once
// startup.json beside the checkpoint: where the agent's start is, for people, for the entrypoint
// and for the plugin, which reads it when nobody answers. Written by the agent alone. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vpccni::base {

inline constexpr std::string_view kStartupFileName = "startup.json";

struct StartupFile {
  int step = 0;
  int of = 0;
  std::string name;   // of the step
  std::string since;  // when the step, or the state "ready", began; ISO 8601
  std::int64_t elapsed_ms = 0;
  std::string state = "starting";  // or ready, failed
  std::string waiting;             // for what the step waits; "" = for nothing outside
  std::string error;               // of the step's last attempt, or of the start; "" = none
  friend bool operator==(const StartupFile&, const StartupFile&) = default;
};

/// One JSON object and a newline.
std::string format_startup(const StartupFile& file);
/// Foreign bytes; none if they are no such object.
std::optional<StartupFile> parse_startup(std::string_view bytes);

/// `6/14 "set up the attached ENIs" for 12 s, waiting for X (last error: Y)`
std::string to_sentence(const StartupFile& file);

}  // namespace vpccni::base
