#pragma once
// The CNI error object: printed on stdout, exit status 1. Codes of the CNI specification.

#include <string>

namespace vpccni::cni {

enum class Code {
  incompatible_version = 1,
  unsupported_field = 2,
  unknown_container = 3,
  invalid_environment = 4,
  io_failure = 5,
  decoding_failure = 6,
  invalid_network_config = 7,
  invalid_netns = 8,
  try_again_later = 11,
  not_available = 50,  // STATUS: no ADD can work now
  internal = 999       // the handler's own errors, as upstream
};

struct Failure {
  Code code = Code::internal;
  std::string msg;
  std::string details = {};
};

/// JSON indented by four spaces, keys code, msg and, if there are any, details. No newline.
std::string to_json(const Failure& failure);

}  // namespace vpccni::cni
