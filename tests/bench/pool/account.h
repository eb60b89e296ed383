#pragma once
// One AWS account with one VPC for all nodes: the VPC model, the account's token buckets, and the
// books: which calls came, which were throttled, how much was held for how long.

#include <map>
#include <string>
#include <vector>

#include "tests/sim/timeline.h"
#include "tests/vpc/model.h"

namespace vpccni::pool {

struct AccountOptions {
  std::uint64_t seed = 1;
  int nodes = 50;
  std::string type = "m5.xlarge";
  /// spec aws.md 6.6: a bucket for each action; else one for all that changes and one for all that
  /// describes (users.md section 4: 50 + 5/s and 100 + 20/s).
  bool bucket_per_action = false;
};

struct Books {
  std::map<std::string, std::uint64_t, std::less<>> calls;  // each request, refused ones too
  std::map<std::string, std::uint64_t, std::less<>> throttled;
  double address_seconds = 0;  // secondary addresses on ENIs
  double prefix_seconds = 0;   // /28 prefixes on ENIs
  double eni_seconds = 0;      // primary ENIs included

  std::uint64_t mutating_calls() const;
  std::uint64_t describe_calls() const;
  std::uint64_t throttled_calls() const;
};

class Account {
 public:
  Account(const AccountOptions& options, const sim::Timeline& time);

  vpc::Model& model() { return model_; }
  const aws::InstanceLimits& limits() const { return *model_.find_limits(options_.type); }
  /// One instance per node, by number.
  const std::vector<net::InstanceId>& instances() const { return instances_; }

  /// One request comes in: counted; refused if its bucket is empty.
  Result<> admit(std::string_view action, const net::InstanceId& caller);
  /// After each change: what is held from now on.
  void settle();
  const Books& books() const { return books_; }

 private:
  struct Bucket {
    double size = 0;
    double per_second = 0;
    double tokens = 0;
    base::SteadyTime at{};
  };
  bool take(Bucket& bucket) const;

  AccountOptions options_;
  const sim::Timeline& time_;
  vpc::Model model_;
  std::vector<net::InstanceId> instances_;
  Bucket mutating_{50, 5, 50, {}};
  Bucket describing_{100, 20, 100, {}};
  Books books_;
  base::SteadyTime settled_{};
  int addresses_ = 0;  // primary ones included
  int prefixes_ = 0;
  int enis_ = 0;
};

bool is_describe(std::string_view action);

}  // namespace vpccni::pool
