#pragma once
// The EC2 Query API over the model, without a network: a request in, status and document out. The
// order of checks is spec aws.md 6.9. Not thread-safe.

#include <optional>
#include <span>
#include <string>

#include "http/server.h"
#include "tests/vpc/model.h"
#include "tests/vpc/query.h"

namespace vpccni::vpc {

struct Ec2Answer {
  int status = 200;
  std::string body;
};

/// `refusal` comes from the call's plan and is given where the service would give it: throttling
/// before everything, the rest after the parameters.
Ec2Answer ec2_answer(Model& model, const http::ServerRequest& request,
                     const std::optional<Error>& refusal, const std::string& request_id,
                     base::Instant now);

/// The action that a request names, "" if none; for planning before it is parsed.
std::string action_of(const http::ServerRequest& request);

/// HTTP status of an EC2 code.
int status_of(std::string_view code);

/// What an action works with.
struct Call {
  Model& model;
  Query& query;
  base::Instant now;
  std::optional<Error> refusal;
  bool dry_run = false;

  /// To be called when all parameters have been read and before anything is done.
  Result<> ready() const;
};

/// One row per action; run() answers what stands beside requestId.
struct Action {
  std::string_view name;
  Result<std::string> (*run)(Call&);
};
std::span<const Action> describe_actions();
std::span<const Action> change_actions();

}  // namespace vpccni::vpc
