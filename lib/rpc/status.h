#pragma once
// How a call ended, in gRPC's terms. The numbers are the wire's.

#include <string>
#include <string_view>

namespace vpccni::rpc {

enum class Code : int {
  ok = 0,
  cancelled = 1,
  unknown = 2,
  invalid_argument = 3,
  deadline_exceeded = 4,
  not_found = 5,
  already_exists = 6,
  permission_denied = 7,
  resource_exhausted = 8,
  failed_precondition = 9,
  aborted = 10,
  out_of_range = 11,
  unimplemented = 12,
  internal = 13,
  unavailable = 14,
  data_loss = 15,
  unauthenticated = 16
};

/// The name of gRPC's specification: "NOT_FOUND".
std::string_view to_string(Code code);

/// `message` is for people; it crosses the wire (any bytes, cut to about 4 KiB there).
struct Status {
  Code code = Code::ok;
  std::string message = {};
};

}  // namespace vpccni::rpc
