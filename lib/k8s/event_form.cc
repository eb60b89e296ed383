#include "k8s/event_form.h"

#include <array>
#include <charconv>

#include "base/json.h"

namespace vpccni::k8s {

namespace {

using base::Json;

constexpr std::size_t kNoteLimit = 1024;  // bytes; the API server refuses longer texts of an event
constexpr std::size_t kNameLimit = 128;
constexpr std::string_view kController = "aws-node";

/// At most `limit` bytes, as valid UTF-8 that ends with a whole character.
std::string clipped(const std::string& text, std::size_t limit) {
  const auto valid = base::parse_json(base::dump_json(Json(text.substr(0, limit))));
  std::string out = valid && valid->is_string() ? valid->get<std::string>() : std::string();
  if (out.size() > limit) {  // U+FFFD is longer than the byte that it replaces
    while (limit > 0 && (static_cast<unsigned char>(out[limit]) & 0xC0U) == 0x80U) {
      --limit;
    }
    out.resize(limit);
  }
  return out;
}

/// As client-go names events: a name may not end with a dot, so it cannot be a generateName.
std::string event_name(std::string pod, base::WallTime at) {
  constexpr std::size_t kLongest = 253 - 1 - 16;
  pod = clipped(pod, kLongest);
  while (pod.ends_with('.') || pod.ends_with('-')) {
    pod.pop_back();
  }
  const auto nanoseconds = static_cast<std::uint64_t>(at.time_since_epoch().count());
  std::array<char, 16> digits{};
  const auto [end, ignored] =
      std::to_chars(digits.data(), digits.data() + digits.size(), nanoseconds, 16);
  return pod + "." + std::string(digits.data(), end);
}

std::string rfc3339_micro(base::WallTime at) {
  const auto micros =
      std::chrono::duration_cast<std::chrono::microseconds>(at.time_since_epoch()).count();
  const std::time_t seconds = micros / 1000000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  const auto size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::string fraction = std::to_string(1000000 + micros % 1000000).substr(1);
  return std::string(text.data(), size) + "." + fraction + "Z";
}

}  // namespace

std::string new_event_json(const NewEvent& event, base::WallTime now) {
  Json body;
  body["apiVersion"] = "events.k8s.io/v1";
  body["kind"] = "Event";
  body["metadata"] = {{"name", event_name(event.regarding_pod, now)},
                      {"namespace", event.name_space}};
  body["eventTime"] = rfc3339_micro(now);
  body["type"] = event.type;
  body["reason"] = clipped(event.reason, kNameLimit);
  body["action"] = clipped(event.action, kNameLimit);
  body["note"] = clipped(event.note, kNoteLimit);
  body["regarding"] = {{"apiVersion", "v1"},
                       {"kind", "Pod"},
                       {"name", event.regarding_pod},
                       {"namespace", event.name_space},
                       {"uid", event.regarding_uid}};
  body["reportingController"] = kController;
  body["reportingInstance"] = clipped(event.regarding_pod, kNameLimit);
  return base::dump_json(body);
}

std::string series_json(int count, base::WallTime at) {
  Json body;
  body["series"] = {{"count", count}, {"lastObservedTime", rfc3339_micro(at)}};
  return base::dump_json(body);
}

}  // namespace vpccni::k8s
