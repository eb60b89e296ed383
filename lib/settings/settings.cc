#include "settings/settings.h"

#include <algorithm>

#include "base/text.h"
#include "settings/table.h"

namespace vpccni::settings {

namespace {

constexpr std::size_t kShownValue = 256;

/// A URL without what stands before the host's "@", which may be a password.
std::string without_user(std::string_view url) {
  const auto slashes = url.find("//");
  const auto start = slashes == url.npos ? 0 : slashes + 2;
  const auto at = url.substr(0, url.find('/', start)).rfind('@');
  if (at == url.npos || at < start) {
    return std::string(url);
  }
  return std::string(url.substr(0, start)) + "***" + std::string(url.substr(at));
}

std::string shown(const Setting& row, std::string_view value) {
  if (row.kind == Kind::secret) {
    return "***";
  }
  return (row.kind == Kind::url ? without_user(value) : std::string(value)).substr(0, kShownValue);
}

/// A name that nobody but us would use: most likely a spelling mistake, or of another version.
bool looks_like_ours(std::string_view name) {
  constexpr std::string_view kPrefixes[] = {"AWS_VPC_", "VPCCNI_", "WARM_", "ENI_CONFIG_"};
  return std::any_of(std::begin(kPrefixes), std::end(kPrefixes),
                     [name](std::string_view prefix) { return name.starts_with(prefix); });
}

/// Means the same as the default, so that leaving it aside changes nothing.
bool means_fallback(const Setting& row, std::string_view value) {
  if (row.kind == Kind::boolean) {
    const auto given = base::parse_bool(value);
    const auto fallback = base::parse_bool(row.fallback);
    return given && fallback && *given == *fallback;
  }
  return value.empty() || base::iequals(value, row.fallback);
}

Note note_of(const Setting& row, std::string_view value, const Problem& problem) {
  return {std::string(row.name), shown(row, value), problem.why,
          problem.used.value_or(std::string(row.fallback)), problem.fatal};
}

}  // namespace

std::string to_string(const Note& note) {
  const std::string line = note.name + "=\"" + note.value + "\" " + note.why;
  if (note.fatal) {
    return line + "; the agent does not start with it";
  }
  return line + (note.used.empty() ? "; ignored" : "; used instead: \"" + note.used + "\"");
}

Settings load(const Environment& environment, std::vector<Note>& notes) {
  Settings settings;
  for (const Setting& row : settings_table()) {
    const auto found = environment.find(std::string(row.name));
    if (found == environment.end() || (found->second.empty() && row.empty == Empty::absent)) {
      continue;
    }
    const std::string& value = found->second;
    if (row.store != nullptr) {
      if (const auto problem = row.store(value, settings); problem) {
        notes.push_back(note_of(row, value, *problem));
        continue;
      }
    }
    if (!row.acted && !means_fallback(row, value)) {
      notes.push_back(note_of(row, value, {"is not acted on yet"}));
    }
  }
  for (const auto& [name, value] : environment) {
    if (looks_like_ours(name) && find_setting(name) == nullptr) {
      notes.push_back({name, "***", "is no setting of this program", "", false});
    }
  }
  return settings;
}

std::vector<std::string> refusals(const Settings& settings) {
  std::vector<std::string> out;
  if (settings.enable_ipv4 == settings.enable_ipv6) {
    out.emplace_back("exactly one of ENABLE_IPv4 and ENABLE_IPv6 has to be true");
  }
  if (settings.enable_ipv6 && settings.custom_networking) {
    out.emplace_back("ENABLE_IPv6=true does not go with AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG=true");
  }
  if (settings.enable_ipv6 && !settings.enable_prefix_delegation) {
    out.emplace_back("ENABLE_IPv6=true needs ENABLE_PREFIX_DELEGATION=true");
  }
  if (settings.veth_prefix.size() > 4) {
    out.push_back("AWS_VPC_K8S_CNI_VETHPREFIX=" + settings.veth_prefix +
                  " has more than 4 characters");
  }
  for (const auto reserved : {"eth", "lo", "vlan"}) {
    if (settings.veth_prefix == reserved) {
      out.push_back("AWS_VPC_K8S_CNI_VETHPREFIX=" + settings.veth_prefix + " is reserved");
    }
  }
  return out;
}

}  // namespace vpccni::settings
