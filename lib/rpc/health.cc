#include "rpc/health.h"

#include "rpc/wire.pb.h"

namespace vpccni::rpc {

void serve_health(Server& server, std::function<bool()> serving) {
  server.handle("/grpc.health.v1.Health/Check", [serving = std::move(serving)](
                                                    std::string_view bytes, const Done& done) {
    ::rpc::HealthCheckRequest request;
    if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      done({Code::invalid_argument, "HealthCheckRequest expected"}, {});
      return;
    }
    if (!request.service().empty() && request.service() != "grpc.health.v1.aws-node") {
      done({Code::not_found, "unknown service"}, {});
      return;
    }
    ::rpc::HealthCheckResponse reply;
    reply.set_status(serving() ? ::rpc::HealthCheckResponse::SERVING
                               : ::rpc::HealthCheckResponse::NOT_SERVING);
    done({}, reply.SerializeAsString());
  });
}

}  // namespace vpccni::rpc
