#pragma once
// The model's control face: JSON over HTTP for scripts and tests that run beside it.
//   GET    /state                 everything, and the requests per action
//   GET    /check                 the model's invariants: 200, or 500 with the one that is broken
//   POST   /fault                 {"kind":"throttle","action":"CreateTags","times":3,…} -> {"id":1}
//   DELETE /fault                 all EC2 faults; /fault/ID that one
//   POST   /imds-fault            {"instance":"i-…","down":true,…}: exactly these from now on
//   POST   /subnet-fault          {"subnet":"subnet-…","full":true,"fragmented":false}
//   POST   /unassign              {"eni":"eni-…","blocks":["10.0.0.7","10.0.0.16/28"]}
//   POST   /account-limits        {"on":true}: the account's token buckets
//   POST   /instance              {"type":"m5.large","subnet":…,"imds":"127.0.0.1:0"} -> its JSON
//   POST   /terminate             {"instance":"i-…"}
//   POST   /vpc-cidr              {"vpc":"vpc-…","cidr":"100.64.0.0/16"}
//   POST   /subnet                {"vpc":…,"cidr":…,"zone":…,"tags":{…}} -> {"id":…}
//   DELETE /calls                 sets the counters to zero
// Times are milliseconds. A refusal is 400 with {"error":…,"code":…}.

#include <functional>

#include "base/json.h"
#include "http/server.h"
#include "tests/vpc/model.h"

namespace vpccni::vpc {

struct ControlHooks {
  /// Opens an IMDS face at "ADDRESS:PORT" for a new instance; the bound address.
  std::function<Result<std::string>(const net::InstanceId&, const std::string&)> open_imds;
  /// Faults were taken away: what waits in black holes may go.
  std::function<void()> cleared;
};

class Control {
 public:
  Control(event::Loop& loop, Model& model, const base::Clock& clock, ControlHooks hooks);
  Result<int> listen(const std::string& address, int port);
  http::ServerReply answer(const http::ServerRequest& request);

 private:
  Result<base::Json> carry_out(const std::string& what, const base::Json& body);
  Result<base::Json> remove(const std::string& path);
  Result<base::Json> run_instance(const base::Json& body);
  Result<base::Json> unassign(const base::Json& body);

  Model& model_;
  const base::Clock& clock_;
  ControlHooks hooks_;
  http::Server server_;
};

/// Instances, ENIs, subnets, faults and calls; for GET /state.
base::Json state_of_model(const Model& model, const Faults& faults);
Result<Fault> parse_fault(const base::Json& json);
Result<ImdsFaults> parse_imds_faults(const base::Json& json, base::Instant now);

}  // namespace vpccni::vpc
