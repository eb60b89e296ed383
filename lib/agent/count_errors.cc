#include "agent/count_errors.h"

#include "aws/ec2_error.h"
#include "metrics/registry.h"

namespace vpccni::agent {

using metrics::Metric;

void count_error(const Edges& edges, std::string_view fn) {
  if (edges.metrics != nullptr) {
    edges.metrics->add<Metric::awscni_ipamd_error_count>({fn});
  }
}

void count_refused(const Edges& edges, std::string_view fn, const Error& error) {
  const auto code = aws::error_label(error);
  if (edges.metrics != nullptr && !code.empty()) {
    edges.metrics->add<Metric::awscni_aws_utils_error_count>({fn, code});
  }
}

}  // namespace vpccni::agent
