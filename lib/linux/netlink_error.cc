// The one place where the kernel's netlink answers become our errors.
#include <cerrno>

#include "linux/netlink_socket.h"

namespace vpccni::linux {

Result<> outcome(const Request& request, const Reply& reply) {
  if (reply.number == 0) {
    return {};
  }
  Error error = errno_error(reply.number, request.what);
  if (!reply.sentence.empty()) {
    error.message += " (" + reply.sentence + ")";
  }
  if (reply.number == ENETDOWN) {
    error.code = Errc::unavailable;  // the link is not up yet
  }
  return error;
}

}  // namespace vpccni::linux
