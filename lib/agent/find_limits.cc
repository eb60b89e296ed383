#include "agent/find_limits.h"

#include "aws/ec2_error.h"
#include "aws/instance_limits.h"
#include "base/files.h"
#include "base/retry.h"

namespace vpccni::agent {

namespace {

constexpr std::size_t kMostBytes = std::size_t{4} << 20U;
/// What passes is waited for: the guess would hold until the next start.
constexpr base::Backoff kAsk{.first = std::chrono::milliseconds(500),
                             .max = std::chrono::seconds(8),
                             .jitter = 0.15,
                             .multiple = 2,
                             .tries = 5};

std::optional<aws::InstanceLimits> from_file(const LimitsQuestion& question, FoundLimits& found) {
  if (question.file.empty()) {
    return std::nullopt;
  }
  const auto text = base::read_file(question.file, kMostBytes);
  auto limits = text ? aws::limits_in(*text, question.type)
                     : Result<std::optional<aws::InstanceLimits>>(text.error());
  if (!limits) {
    found.warnings.push_back("instance limits in " + question.file +
                             " are not used: " + limits.error().message);
    return std::nullopt;
  }
  return *std::move(limits);
}

std::optional<aws::InstanceLimits> from_ec2(const LimitsQuestion& question, aws::Ec2& ec2,
                                            const base::Clock& clock, const std::stop_token& stop,
                                            FoundLimits& found) {
  if (!question.ask_ec2) {
    return std::nullopt;
  }
  auto limits = base::retry(clock, kAsk, stop, aws::is_transient,
                            [&] { return ec2.instance_type(question.type); });
  if (!limits) {
    found.warnings.push_back("EC2 does not tell the limits of " + question.type + ": " +
                             limits.error().message);
    return std::nullopt;
  }
  return *std::move(limits);
}

}  // namespace

std::string_view to_string(LimitsSource source) {
  constexpr std::string_view kNames[] = {"file", "built-in table", "EC2", "assumed"};
  return kNames[static_cast<std::size_t>(source)];
}

FoundLimits find_limits(const LimitsQuestion& question, const LimitsTable& built_in, aws::Ec2& ec2,
                        const base::Clock& clock, const std::stop_token& stop) {
  FoundLimits found;
  const auto take = [&](std::optional<aws::InstanceLimits> limits, LimitsSource source) {
    if (limits) {
      found.limits = *std::move(limits);
      found.source = source;
    }
    return found.source == source;
  };
  if (take(from_file(question, found), LimitsSource::file) ||
      take(built_in(question.type), LimitsSource::built_in) ||
      take(from_ec2(question, ec2, clock, stop, found), LimitsSource::ec2)) {
    return found;
  }
  found.limits = aws::assumed_limits();
  found.warnings.push_back("instance type " + question.type + " is unknown: assuming " +
                           std::to_string(found.limits.enis) + " ENIs of " +
                           std::to_string(found.limits.ipv4_per_eni) +
                           " addresses on one network card; name its limits in a file for "
                           "VPCCNI_INSTANCE_LIMITS_FILE");
  return found;
}

}  // namespace vpccni::agent
