#include "tests/bench/pool/account.h"

#include <algorithm>

namespace vpccni::pool {

namespace {

constexpr int kNodesPerSubnet = 400;  // of a /16: 110 pods in prefixes each

vpc::ModelOptions model_options(const AccountOptions& options) {
  vpc::ModelOptions made;
  made.seed = options.seed;
  made.scattered = true;
  made.eni_quota = 1000000;
  return made;
}

std::uint64_t sum(const std::map<std::string, std::uint64_t, std::less<>>& calls, bool describing) {
  std::uint64_t total = 0;
  for (const auto& [action, count] : calls) {
    total += is_describe(action) == describing ? count : 0;
  }
  return total;
}

net::Cidr block(int number) {
  return {net::Ip::v4((10U << 24U) | (static_cast<std::uint32_t>(number) << 16U)), 16};
}

}  // namespace

bool is_describe(std::string_view action) {
  return action.starts_with("Describe");
}

std::uint64_t Books::mutating_calls() const {
  return sum(calls, false);
}
std::uint64_t Books::describe_calls() const {
  return sum(calls, true);
}
std::uint64_t Books::throttled_calls() const {
  return sum(throttled, false) + sum(throttled, true);
}

Account::Account(const AccountOptions& options, const sim::Timeline& time)
    : options_(options), time_(time), model_(model_options(options)) {
  const auto now = time.now();
  mutating_.at = describing_.at = settled_ = now.steady;
  model_.faults().set_account_limits(options.bucket_per_action);
  const int subnets = (options.nodes + kNodesPerSubnet - 1) / kNodesPerSubnet;
  std::vector<net::Cidr> cidrs;
  for (int i = 0; i < subnets; ++i) {
    cidrs.push_back(block(i));
  }
  const auto vpc = model_.add_vpc(cidrs, now);
  std::vector<net::SubnetId> ids;
  for (const auto& cidr : cidrs) {
    ids.push_back(*model_.add_subnet({.vpc = vpc, .cidr = cidr, .zone = "us-west-2a"}));
  }
  for (int i = 0; i < options.nodes; ++i) {
    const auto& subnet = ids[static_cast<std::size_t>(i / kNodesPerSubnet)];
    instances_.push_back(model_.run_instance({.type = options.type, .subnet = subnet}, now)->id);
  }
  settle();
}

bool Account::take(Bucket& bucket) const {
  const auto now = time_.now().steady;
  const double passed = std::chrono::duration<double>(now - bucket.at).count();
  bucket.tokens = std::min(bucket.size, bucket.tokens + passed * bucket.per_second);
  bucket.at = now;
  if (bucket.tokens < 1) {
    return false;
  }
  bucket.tokens -= 1;
  return true;
}

Result<> Account::admit(std::string_view action, const net::InstanceId& caller) {
  ++books_.calls[std::string(action)];
  const auto plan = model_.faults().plan(action, caller, time_.now());
  const bool room =
      options_.bucket_per_action || take(is_describe(action) ? describing_ : mutating_);
  if (room && plan.works()) {
    return {};
  }
  ++books_.throttled[std::string(action)];
  return Error{Errc::throttled, "Request limit exceeded.", "RequestLimitExceeded"};
}

void Account::settle() {
  const auto now = time_.now();
  model_.advance(now);
  const double passed = std::chrono::duration<double>(now.steady - settled_).count();
  settled_ = now.steady;
  books_.eni_seconds += passed * enis_;
  books_.prefix_seconds += passed * prefixes_;
  books_.address_seconds += passed * (addresses_ - enis_);
  for (const auto& change : model_.take_changes()) {
    if (const auto* address = std::get_if<vpc::AddressChange>(&change)) {
      (address->block.is_host() ? addresses_ : prefixes_) += address->assigned ? 1 : -1;
    }
  }
  enis_ = static_cast<int>(model_.enis().size());
}

}  // namespace vpccni::pool
