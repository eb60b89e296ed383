#include "agent/eni_tags.h"

#include <array>
#include <ctime>

#include "aws/ec2_error.h"
#include "base/retry.h"
#include "base/text.h"

namespace vpccni::agent {

namespace {

// Spec agent.md 5.1.
constexpr base::Backoff kCreateTags{.first = std::chrono::milliseconds(500),
                                    .max = std::chrono::seconds(60),
                                    .jitter = 0.3,
                                    .multiple = 2,
                                    .tries = 5};

/// "Z", "+hh:mm" or "-hh:mm"; seconds east of UTC.
std::optional<int> parse_offset(std::string_view text) {
  if (text == "Z" || text == "z") {
    return 0;
  }
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') {
    return std::nullopt;
  }
  const auto hours = base::parse_integer<unsigned>(text.substr(1, 2));
  const auto minutes = base::parse_integer<unsigned>(text.substr(4, 2));
  if (!hours || !minutes || *hours > 23 || *minutes > 59) {
    return std::nullopt;
  }
  const int east = static_cast<int>(*hours * 3600 + *minutes * 60);
  return text[0] == '+' ? east : -east;
}

}  // namespace

aws::Tags missing_tags(const aws::Eni& eni, const aws::Tags& wanted) {
  aws::Tags missing;
  if (eni.kind == aws::EniKind::trunk) {
    return missing;
  }
  for (const auto& [key, value] : wanted) {
    const auto found = eni.tags.find(key);
    if (found == eni.tags.end() || found->second != value) {
      missing.emplace(key, value);
    }
  }
  return missing;
}

aws::Tags new_eni_tags(const Node& node, base::WallTime now) {
  aws::Tags tags = eni_tags(node);
  tags.try_emplace(std::string(kCreatedAtTag), format_created_at(now));
  return tags;
}

std::string format_created_at(base::WallTime at) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(
      std::chrono::time_point_cast<std::chrono::system_clock::duration>(at));
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc)};
}

std::optional<base::WallTime> parse_created_at(std::string_view text) {
  const std::string copy(text.substr(0, 64));
  std::tm parts{};
  const char* end = ::strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  // The years that nanoseconds since 1970 can hold, with room to add to them.
  if (end == nullptr || parts.tm_year < 70 || parts.tm_year > 300) {
    return std::nullopt;
  }
  std::string_view rest(end);
  if (rest.starts_with('.')) {  // a fraction of a second is of no interest
    const auto digits = rest.find_first_not_of("0123456789", 1);
    if (digits == 1 || digits == std::string_view::npos) {
      return std::nullopt;
    }
    rest.remove_prefix(digits);
  }
  const auto east = parse_offset(rest);
  if (!east) {
    return std::nullopt;
  }
  return base::WallTime(std::chrono::seconds(::timegm(&parts) - *east));
}

Result<> tag_eni(const Edges& edges, const net::EniId& eni, const aws::Tags& tags,
                 const std::stop_token& stop) {
  return wrap(base::retry(
                  edges.clock, kCreateTags, stop,
                  // Not there yet may be EC2's lag; what is refused stays refused.
                  [](const Error& e) { return aws::is_transient(e) || e.code == Errc::not_found; },
                  [&] { return edges.ec2.create_tags(to_string(eni), tags); }),
              "tag " + to_string(eni));
}

void tag_if_needed(const Edges& edges, const Node& node, const aws::Eni& eni,
                   const std::stop_token& stop) {
  const auto& set = node.settings;
  if (set.disable_provisioning || set.imds_only) {
    return;
  }
  const auto missing = missing_tags(eni, eni_tags(node));
  if (missing.empty()) {
    return;
  }
  if (auto done = tag_eni(edges, eni.id, missing, stop); !done) {
    edges.log.warn("an ENI cannot be tagged; ignoring, the next start tries again",
                   {{"eni", to_string(eni.id)}, {"error", done.error().message}});
  }
}

}  // namespace vpccni::agent
