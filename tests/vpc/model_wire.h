#pragma once
// The EC2 edge over the model in one thread and virtual time: the real client's bytes go to the
// model's face without a socket. Faults of the model act as far as they need no socket: a lost or
// cut answer is an error of the client, a black hole costs its time-out.

#include "aws/ec2_http.h"
#include "http/client.h"
#include "tests/vpc/model.h"

namespace vpccni::vpc {

/// A clock that passes only when somebody waits.
class StepClock final : public base::Clock {
 public:
  explicit StepClock(base::Instant start) : now_(start) {}
  base::Instant now() const override { return now_; }
  bool wait_until(base::SteadyTime until, std::stop_token stop) const override;

 private:
  mutable base::Instant now_;
};

/// Carries requests to ec2_answer().
class ModelWire final : public http::Client {
 public:
  ModelWire(Model& model, const base::Clock& clock) : model_(model), clock_(clock) {}
  Result<http::Response> send(const http::Request& request, const std::stop_token& stop) override;
  Result<http::Response> stream(const http::Request& request, const http::Chunk& chunk,
                                const std::stop_token& stop) override;

 private:
  Model& model_;
  const base::Clock& clock_;
};

/// An Ec2Http whose calls are signed with `key` and carried by a ModelWire.
class ModelEc2 {
 public:
  ModelEc2(Model& model, const base::Clock& clock, const AccessKey& key);
  aws::Ec2& ec2() { return ec2_; }

 private:
  ModelWire wire_;
  aws::CredentialCache credentials_;
  aws::Ec2Http ec2_;
};

}  // namespace vpccni::vpc
