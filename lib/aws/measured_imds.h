#pragma once
// The real IMDS edge with its failures counted (spec agent.md 7.2): awscni_aws_api_error_count with
// upstream's name for each document. Documents are what is counted, and every reader of ImdsHttp
// gets them through get(); that is why this is one of them and not a wrapper. Thread-safe.

#include "aws/imds_http.h"
#include "metrics/registry.h"

namespace vpccni::aws {

class MeasuredImds final : public ImdsHttp {
 public:
  MeasuredImds(http::Client& client, const base::Clock& clock, ImdsOptions options,
               metrics::Registry& metrics)
      : ImdsHttp(client, clock, std::move(options)), metrics_(metrics) {}

  Result<std::optional<std::string>> get(const std::string& path) override;

 private:
  metrics::Registry& metrics_;
};

/// Upstream's name for the read of this document under /latest/ ("GetAZ"); "" if it has none.
std::string_view imds_call(std::string_view path);

}  // namespace vpccni::aws
