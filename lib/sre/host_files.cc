#include "sre/host_files.h"

#include <filesystem>
#include <map>

#include "base/files.h"
#include "base/text.h"

namespace vpccni::sre {

namespace {

constexpr std::size_t kConfigLimit = std::size_t{64} << 10U;
constexpr std::size_t kProgramLimit = std::size_t{64} << 20U;

bool is_no(std::string_view value) {
  return base::iequals(value, "no") || base::iequals(value, "false") || value == "0" ||
         base::iequals(value, "off") || base::iequals(value, "n") || base::iequals(value, "f");
}

/// Later directories go before earlier ones for files of the same name; then the name decides.
std::vector<std::string> networkd_files(const std::string& root) {
  std::map<std::string, std::string> drop_ins;
  std::string main;
  std::error_code none;
  for (const auto* directory : {"/usr/lib/systemd", "/run/systemd", "/etc/systemd"}) {
    const auto file = root + directory + "/networkd.conf";
    if (std::filesystem::is_regular_file(file, none)) {
      main = file;
    }
    for (const auto& entry : std::filesystem::directory_iterator(file + ".d", none)) {
      if (entry.path().extension() == ".conf") {
        drop_ins[entry.path().filename().string()] = entry.path().string();
      }
    }
  }
  std::vector<std::string> paths;
  if (!main.empty()) {
    paths.push_back(main);
  }
  for (const auto& [name, path] : drop_ins) {
    paths.push_back(path);
  }
  return paths;
}

}  // namespace

bool keeps_foreign_rules(const std::vector<std::string>& files) {
  bool rules = false;
  bool routes = false;
  for (const auto& text : files) {
    bool network = false;
    for (const auto& whole : base::split(text, '\n')) {
      const auto line = base::trim(whole);
      if (line.starts_with('[')) {
        network = line == "[Network]";
      }
      const auto equals = line.find('=');
      if (!network || equals == std::string_view::npos || line.starts_with('#')) {
        continue;
      }
      const auto name = base::trim(line.substr(0, equals));
      const bool no = is_no(base::trim(line.substr(equals + 1)));
      if (name == "ManageForeignRoutingPolicyRules") {
        rules = no;
      } else if (name == "ManageForeignRoutes") {
        routes = no;
      }
    }
  }
  return rules && routes;
}

std::optional<bool> networkd_keeps_rules(const std::string& root) {
  std::error_code none;
  // Written by networkd itself; the directory is there without it, too.
  if (!std::filesystem::is_regular_file(root + "/run/systemd/netif/state", none)) {
    return std::nullopt;
  }
  std::vector<std::string> texts;
  for (const auto& path : networkd_files(root)) {
    if (auto text = base::read_file(path, kConfigLimit)) {
      texts.push_back(*std::move(text));
    }
  }
  return keeps_foreign_rules(texts);
}

std::string compare_plugin(const std::string& bin_dir) {
  std::error_code none;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", none);
  const auto ours = (self.parent_path() / "vpccni-host").string();
  const auto theirs = bin_dir + "/aws-cni";
  if (!std::filesystem::is_regular_file(ours, none) ||
      !std::filesystem::is_directory(bin_dir, none)) {
    return "";
  }
  const auto installed = base::read_file(theirs, kProgramLimit);
  if (!installed) {
    return installed.error().message;
  }
  const auto wanted = base::read_file(ours, kProgramLimit);
  return wanted && *wanted != *installed ? theirs + " is another program than " + ours : "";
}

}  // namespace vpccni::sre
