#include "tests/vpc/faults.h"

#include <algorithm>
#include <array>

#include "aws/ec2_error.h"

namespace vpccni::vpc {

namespace {

constexpr std::array<std::pair<FaultKind, std::string_view>, 12> kKinds = {
    {{FaultKind::throttle, "throttle"},
     {FaultKind::deny, "deny"},
     {FaultKind::fail, "fail"},
     {FaultKind::delay, "delay"},
     {FaultKind::lose_answer, "lose_answer"},
     {FaultKind::cut, "cut"},
     {FaultKind::black_hole, "black_hole"},
     {FaultKind::slow_drip, "slow_drip"},
     {FaultKind::garbage, "garbage"},
     {FaultKind::error_in_200, "error_in_200"},
     {FaultKind::http_status, "http_status"},
     {FaultKind::stale, "stale"}}};

constexpr std::array<FaultKind, 7> kEndings = {
    FaultKind::cut,       FaultKind::black_hole, FaultKind::http_status, FaultKind::error_in_200,
    FaultKind::slow_drip, FaultKind::garbage,    FaultKind::lose_answer};

struct Rate {
  double size;
  double per_second;
};

/// Documented buckets (spec aws.md 6.6). An id-only Describe counts in the smaller one.
Rate rate_of(std::string_view action) {
  constexpr std::array<std::string_view, 3> kSmallDescribes = {
      "DescribeInstances", "DescribeNetworkInterfaces", "DescribeSecurityGroups"};
  constexpr std::array<std::string_view, 3> kMutatingDefault = {
      "AttachNetworkInterface", "DetachNetworkInterface", "UnassignIpv6Addresses"};
  const auto among = [action](const auto& names) {
    return std::find(names.begin(), names.end(), action) != names.end();
  };
  if (among(kSmallDescribes)) {
    return {50, 10};
  }
  if (action.starts_with("Describe")) {
    return {100, 20};
  }
  if (among(kMutatingDefault)) {
    return {50, 5};
  }
  return {100, action.ends_with("Tags") ? 10.0 : 5.0};
}

Error refusal(std::string code, std::string message) {
  const Errc kind = aws::class_of(code, 400);
  return {kind, std::move(message), std::move(code)};
}

}  // namespace

std::string_view to_string(FaultKind kind) {
  for (const auto& [value, name] : kKinds) {
    if (value == kind) {
      return name;
    }
  }
  return "";
}

std::optional<FaultKind> parse_fault_kind(std::string_view text) {
  for (const auto& [value, name] : kKinds) {
    if (name == text) {
      return value;
    }
  }
  return std::nullopt;
}

bool CallPlan::works() const {
  return !refusal && (!ending || ending->kind == FaultKind::lose_answer ||
                      ending->kind == FaultKind::slow_drip || ending->kind == FaultKind::garbage);
}

int Faults::add(Fault fault) {
  fault.id = next_id_++;
  active_.push_back(std::move(fault));
  return active_.back().id;
}

void Faults::clear() {
  active_.clear();
}

bool Faults::clear(int id) {
  return std::erase_if(active_, [id](const Fault& fault) { return fault.id == id; }) > 0;
}

std::optional<Fault> Faults::use(FaultKind kind, std::string_view action,
                                 const net::InstanceId& caller) {
  const auto found = std::find_if(active_.begin(), active_.end(), [&](const Fault& fault) {
    return fault.kind == kind && (fault.action == "*" || fault.action == action) &&
           (fault.instance.empty() || fault.instance == caller);
  });
  if (found == active_.end()) {
    return std::nullopt;
  }
  Fault used = *found;
  if (found->times > 0 && --found->times == 0) {
    active_.erase(found);
  }
  return used;
}

bool Faults::take_token(std::string_view action, base::Instant now) {
  const Rate rate = rate_of(action);
  const auto [it, fresh] = buckets_.try_emplace(std::string(action));
  Bucket& bucket = it->second;
  const double passed = fresh ? 0 : std::chrono::duration<double>(now.steady - bucket.at).count();
  bucket.tokens = fresh ? rate.size : std::min(rate.size, bucket.tokens + passed * rate.per_second);
  bucket.at = now.steady;
  if (bucket.tokens < 1) {
    return false;
  }
  bucket.tokens -= 1;
  return true;
}

CallPlan Faults::plan(std::string_view action, const net::InstanceId& caller, base::Instant now) {
  if (const auto it = calls_.find(action); it != calls_.end()) {
    ++it->second;
  } else if (calls_.size() < 1000) {  // names come from clients
    calls_.emplace(action, 1);
  }
  CallPlan plan;
  if (const auto fault = use(FaultKind::delay, action, caller)) {
    plan.delay = fault->delay;
  }
  if (action.starts_with("Describe")) {
    if (const auto fault = use(FaultKind::stale, action, caller)) {
      plan.as_of = fault->as_of;
    }
  }
  if ((account_limits_ && !take_token(action, now)) || use(FaultKind::throttle, action, caller)) {
    plan.refusal = refusal("RequestLimitExceeded", "Request limit exceeded.");
    return plan;
  }
  if (use(FaultKind::deny, action, caller)) {
    plan.refusal = refusal("UnauthorizedOperation",
                           "You are not authorized to perform this operation. No identity-based "
                           "policy allows the ec2:" +
                               std::string(action) + " action");
    return plan;
  }
  if (const auto fault = use(FaultKind::fail, action, caller)) {
    plan.refusal = refusal(fault->code, fault->message.empty() ? "injected" : fault->message);
    return plan;
  }
  for (const auto kind : kEndings) {
    plan.ending = use(kind, action, caller);
    if (plan.ending) {
      break;
    }
  }
  return plan;
}

}  // namespace vpccni::vpc
