#pragma once
// The standard health service (grpc.health.v1), server side, unary Check only.

#include "rpc/server.h"

namespace vpccni::rpc {

/// For the service names "" and "grpc.health.v1.aws-node": SERVING if `serving` says so, else
/// NOT_SERVING. NOT_FOUND for any other.
void serve_health(Server& server, std::function<bool()> serving);

}  // namespace vpccni::rpc
