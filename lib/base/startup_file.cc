#include "base/startup_file.h"

#include "base/json.h"

namespace vpccni::base {

namespace {

constexpr std::size_t kLongestText = 1024;

std::string text_member(const Json& object, std::string_view name) {
  return string_member(object, name).substr(0, kLongestText);
}

std::int64_t number_member(const Json& object, std::string_view name) {
  const Json* value = find_member(object, name);
  return value != nullptr && value->is_number_integer() ? value->get<std::int64_t>() : 0;
}

}  // namespace

std::string format_startup(const StartupFile& file) {
  OrderedJson json;
  json["step"] = file.step;
  json["of"] = file.of;
  json["name"] = file.name;
  json["since"] = file.since;
  json["elapsed_ms"] = file.elapsed_ms;
  json["state"] = file.state;
  json["waiting"] = file.waiting;
  json["error"] = file.error;
  return dump_json(json) + "\n";
}

std::optional<StartupFile> parse_startup(std::string_view bytes) {
  const auto json = parse_json(bytes);
  if (!json || !json->is_object() || find_member(*json, "step") == nullptr) {
    return std::nullopt;
  }
  StartupFile file;
  file.step = static_cast<int>(number_member(*json, "step"));
  file.of = static_cast<int>(number_member(*json, "of"));
  file.name = text_member(*json, "name");
  file.since = text_member(*json, "since");
  file.elapsed_ms = number_member(*json, "elapsed_ms");
  file.state = text_member(*json, "state");
  file.waiting = text_member(*json, "waiting");
  file.error = text_member(*json, "error");
  return file;
}

std::string to_sentence(const StartupFile& file) {
  if (file.state == "ready") {
    return "ready since " + file.since;
  }
  std::string text =
      std::to_string(file.step) + "/" + std::to_string(file.of) + " \"" + file.name + "\"";
  if (file.state == "failed") {
    return text + " failed after " + std::to_string(file.elapsed_ms / 1000) + " s: " + file.error;
  }
  text += " for " + std::to_string(file.elapsed_ms / 1000) + " s";
  if (!file.waiting.empty()) {
    text += ", waiting for " + file.waiting;
  }
  if (!file.error.empty()) {
    text += " (last error: " + file.error + ")";
  }
  return text;
}

}  // namespace vpccni::base
