#pragma once
// IMDSv2 of one instance on the network. The model's IMDS faults of that instance act here.
// Everything runs on the loop's thread.

#include <list>
#include <memory>

#include "http/server.h"
#include "tests/vpc/delays.h"
#include "tests/vpc/imds_tree.h"

namespace vpccni::vpc {

struct ImdsFaceOptions {
  bool allow_v1 = false;  // GET without a token
  ImdsTreeOptions tree;
};

class ImdsFace {
 public:
  /// `loop`, `model` and `clock` must outlive the face.
  ImdsFace(event::Loop& loop, Model& model, const base::Clock& clock, net::InstanceId instance,
           ImdsFaceOptions options = {});

  /// May be called for several addresses, also between changes of the network namespace. Returns
  /// the bound port.
  Result<int> listen(const std::string& address, int port);

  /// For callers that have their own server.
  void handle(const http::ServerRequest& request, std::shared_ptr<http::Responder> to);

  const net::InstanceId& instance() const { return instance_; }
  std::uint64_t requests() const { return requests_; }
  void release_unanswered();  // of black holes
  void forget_tokens() { tokens_.clear(); }

 private:
  http::ServerReply answer(const http::ServerRequest& request, base::Instant now);
  http::ServerReply give_token(const http::ServerRequest& request, base::Instant now);
  bool has_token(const http::ServerRequest& request, base::Instant now) const;

  Model& model_;
  const base::Clock& clock_;
  net::InstanceId instance_;
  ImdsFaceOptions options_;
  std::map<std::string, base::SteadyTime, std::less<>> tokens_;  // until when
  std::uint64_t given_ = 0;
  std::uint64_t requests_ = 0;
  std::list<std::shared_ptr<http::Responder>> unanswered_;
  Delays delays_;
  http::Server server_;
};

}  // namespace vpccni::vpc
