#pragma once
// The standard health service (grpc.health.v1), server side, unary Check only.

#include "rpc/server.h"

namespace vpccni::rpc {

/// SERVING for the service names "" and "grpc.health.v1.aws-node"; NOT_FOUND for any other.
void serve_health(Server& server);

}  // namespace vpccni::rpc
