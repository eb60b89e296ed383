#include "settings/settings.h"

#include "base/text.h"
#include "settings/table.h"

namespace vpccni::settings {

namespace {

constexpr std::size_t kShownValue = 256;

std::string shown(const Setting& row, std::string_view value) {
  return row.kind == Kind::secret ? "***" : std::string(value.substr(0, kShownValue));
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
  return line + "; used instead: \"" + note.used + "\"";
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
  return settings;
}

std::vector<std::string> refusals(const Settings& settings) {
  std::vector<std::string> out;
  if (settings.enable_ipv4 == settings.enable_ipv6) {
    out.emplace_back("exactly one of ENABLE_IPv4 and ENABLE_IPv6 has to be true");
  } else if (settings.enable_ipv6) {
    out.emplace_back("ENABLE_IPv6=true: IPv6 clusters are not supported yet");
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
