#include "base/result.h"

#include <cerrno>
#include <cstring>

namespace vpccni {

std::string_view to_string(Errc code) {
  switch (code) {
    case Errc::invalid_argument:
      return "invalid_argument";
    case Errc::not_found:
      return "not_found";
    case Errc::already_exists:
      return "already_exists";
    case Errc::exhausted:
      return "exhausted";
    case Errc::throttled:
      return "throttled";
    case Errc::denied:
      return "denied";
    case Errc::unavailable:
      return "unavailable";
    case Errc::timeout:
      return "timeout";
    case Errc::conflict:
      return "conflict";
    case Errc::corrupt:
      return "corrupt";
    case Errc::unsupported:
      return "unsupported";
    case Errc::internal:
      return "internal";
  }
  return "internal";
}

Error wrap(Error error, std::string_view doing) {
  std::string message(doing);
  message += ": ";
  message += error.message;
  error.message = std::move(message);
  return error;
}

namespace {

Errc code_of(int number) {
  switch (number) {
    case ENOENT:
    case ESRCH:
    case ENODEV:
    case ENXIO:
    case EADDRNOTAVAIL:
      return Errc::not_found;
    case EEXIST:
    case EADDRINUSE:
      return Errc::already_exists;
    case EACCES:
    case EPERM:
    case EROFS:
      return Errc::denied;
    case EINVAL:
    case ENAMETOOLONG:
    case ENOTDIR:
    case EISDIR:
      return Errc::invalid_argument;
    case ENOSPC:
    case EDQUOT:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
      return Errc::exhausted;
    case ETIMEDOUT:
      return Errc::timeout;
    case EBUSY:
      return Errc::conflict;
    case ECONNREFUSED:
    case ECONNRESET:
    case ENETUNREACH:
    case EHOSTUNREACH:
    case EPIPE:
      return Errc::unavailable;
    case EOPNOTSUPP:
    case EAFNOSUPPORT:
    case EPROTONOSUPPORT:
    case ENOSYS:
      return Errc::unsupported;
    default:
      return Errc::internal;
  }
}

}  // namespace

Error errno_error(int number, std::string_view doing) {
  const char* symbol = strerrorname_np(number);
  const char* text = strerrordesc_np(number);
  std::string message(doing);
  message += ": ";
  message += text != nullptr ? text : "unknown error";
  return {code_of(number), std::move(message), symbol != nullptr ? symbol : std::to_string(number)};
}

}  // namespace vpccni
