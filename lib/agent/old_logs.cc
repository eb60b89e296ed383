#include "agent/old_logs.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <map>

#include "base/text.h"

namespace vpccni::agent {

namespace {

constexpr std::string_view kGz = ".gz";
constexpr std::size_t kStampSize = 23;  // 2025-01-02T03-04-05.678

struct NameParts {
  std::string_view stem;       // "ipamd"
  std::string_view extension;  // ".log", or ""
};

NameParts parts_of(std::string_view current) {
  const auto dot = current.rfind('.');
  return dot == std::string_view::npos ? NameParts{current, {}}
                                       : NameParts{current.substr(0, dot), current.substr(dot)};
}

std::optional<base::WallTime> parse_stamp(std::string_view text) {
  constexpr std::string_view kForm = "dddd-dd-ddTdd-dd-dd.ddd";
  static_assert(kForm.size() == kStampSize);
  if (text.size() != kStampSize) {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < kStampSize; ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kForm[i] == 'd' ? !digit : text[i] != kForm[i]) {
      return std::nullopt;
    }
  }
  const auto number = [text](std::size_t at, std::size_t size) {
    return *base::parse_integer<int>(text.substr(at, size));
  };
  std::tm utc{};
  utc.tm_year = number(0, 4) - 1900;
  utc.tm_mon = number(5, 2) - 1;
  utc.tm_mday = number(8, 2);
  utc.tm_hour = number(11, 2);
  utc.tm_min = number(14, 2);
  utc.tm_sec = number(17, 2);
  return base::WallTime(std::chrono::seconds(::timegm(&utc)) +
                        std::chrono::milliseconds(number(20, 3)));
}

}  // namespace

std::string old_log_name(std::string_view current, base::WallTime at) {
  const auto ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count();
  const auto seconds = static_cast<std::time_t>(ms / 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> text{};
  const std::size_t n = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H-%M-%S", &utc);
  const auto [stem, extension] = parts_of(current);
  return std::string(stem) + "-" + std::string(text.data(), n) + "." +
         std::to_string(1000 + ms % 1000).substr(1) + std::string(extension);
}

std::optional<OldLog> parse_old_log(std::string_view name, std::string_view current) {
  const auto [stem, extension] = parts_of(current);
  std::string_view rest = name;
  const bool compressed = rest.ends_with(kGz);
  if (compressed) {
    rest.remove_suffix(kGz.size());
  }
  if (!rest.starts_with(stem) || !rest.ends_with(extension) ||
      rest.size() != stem.size() + 1 + kStampSize + extension.size() || rest[stem.size()] != '-') {
    return std::nullopt;
  }
  const auto at = parse_stamp(rest.substr(stem.size() + 1, kStampSize));
  if (!at) {
    return std::nullopt;
  }
  return OldLog{std::string(name), *at, compressed};
}

OldLogPlan plan_old_logs(const std::vector<std::string>& names, std::string_view current,
                         const LogLimits& limits, base::WallTime now) {
  std::map<base::WallTime, std::vector<OldLog>, std::greater<>> by_age;  // youngest first
  for (const auto& name : names) {
    if (auto old = parse_old_log(name, current)) {
      by_age[old->at].push_back(*std::move(old));
    }
  }
  OldLogPlan plan;
  std::size_t kept = 0;
  for (const auto& [at, files] : by_age) {
    const bool keep = kept < limits.old_files && now - at <= limits.max_age;
    kept += keep ? 1 : 0;
    for (const auto& file : files) {
      if (!keep) {
        plan.remove.push_back(file.name);
      } else if (!file.compressed) {
        plan.compress.push_back(file.name);
      }
    }
  }
  return plan;
}

}  // namespace vpccni::agent
