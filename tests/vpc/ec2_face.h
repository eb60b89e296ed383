#pragma once
// The EC2 Query API on the network: the model's faults act here. Delayed answers do not hold up
// other requests. Everything runs on the loop's thread.

#include <list>
#include <memory>

#include "http/server.h"
#include "tests/vpc/delays.h"
#include "tests/vpc/ec2_api.h"

namespace vpccni::vpc {

class Ec2Face {
 public:
  /// `loop`, `model` and `clock` must outlive the face.
  Ec2Face(event::Loop& loop, Model& model, const base::Clock& clock);

  /// May be called for several addresses, also between changes of the network namespace: a socket
  /// stays where it was opened. Returns the bound port.
  Result<int> listen(const std::string& address, int port);

  /// For callers that have their own server.
  void handle(const http::ServerRequest& request, std::shared_ptr<http::Responder> to);

  /// Cuts the connections that black holes keep waiting.
  void release_unanswered();

 private:
  struct Drip;
  std::string new_request_id();
  void end(const CallPlan& plan, Ec2Answer answer, const std::string& request_id,
           std::shared_ptr<http::Responder> to);
  void drip(const std::shared_ptr<Drip>& rest);

  Model& model_;
  const base::Clock& clock_;
  std::uint64_t requests_ = 0;
  std::list<std::shared_ptr<http::Responder>> unanswered_;
  Delays delays_;
  http::Server server_;
};

}  // namespace vpccni::vpc
