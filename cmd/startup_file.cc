#include "cmd/startup_file.h"

#include <cstdio>

#include "base/files.h"
#include "base/json.h"

namespace vpccni::cmd {

namespace {

constexpr std::size_t kLimit = 16384;   // bytes of the file
constexpr std::size_t kLongest = 1024;  // of the error in it

}  // namespace

void write_startup(const std::string& backing_store, const StartupStep& step) {
  const auto slash = backing_store.rfind('/');
  const std::string path =
      (slash == std::string::npos ? "" : backing_store.substr(0, slash + 1)) + "startup.json";
  base::OrderedJson json = {{"step", step.step}, {"of", step.of}, {"name", step.name}};
  if (!step.error.empty()) {
    json["error"] = step.error.substr(0, kLongest);
  }
  if (std::FILE* file = std::fopen(path.c_str(), "we")) {
    const std::string text = base::dump_json(json) + "\n";
    std::fwrite(text.data(), 1, text.size(), file);
    std::fclose(file);
  }
}

std::string last_startup_step(const std::string& path) {
  const auto bytes = base::read_file(path, kLimit);
  const auto json = bytes ? base::parse_json(*bytes) : Result<base::Json>(bytes.error());
  const auto step = json ? base::integer_member(*json, "step") : std::nullopt;
  const auto of = json ? base::integer_member(*json, "of") : std::nullopt;
  if (!step || !of) {
    return "";
  }
  const std::string error = base::string_member(*json, "error");
  return "last startup step: " + std::to_string(*step) + "/" + std::to_string(*of) + " " +
         base::string_member(*json, "name") + (error.empty() ? "" : ": " + error);
}

}  // namespace vpccni::cmd
