#pragma once
// The kernel's routing socket: requests are values, built by link.h, route.h, rule.h and others,
// and sent several at a time. A socket belongs to the namespace in which it was opened and to one
// thread at a time. Errors carry the errno symbol as cause and the kernel's own sentence, if any.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

struct nl_sock;

namespace vpccni::linux {

class Netns;

/// One netlink message with its header, and what it does, for errors.
struct Request {
  std::string bytes;
  std::string what;
};

/// What the kernel said to one request: errno (0 = done), its sentence, the objects it returned.
struct Reply {
  int number = 0;
  std::string sentence;
  std::vector<std::string> objects;
};

class Netlink {
 public:
  static Result<Netlink> open();
  /// A socket of another namespace; the calling thread is back in its own when this returns.
  static Result<Netlink> open_in(const Netns& netns);

  /// All requests in one send, executed in order; one that fails does not stop the next. The
  /// answer has one reply per request. An error means that the socket itself failed.
  Result<std::vector<Reply>> batch(std::span<const Request> requests);
  /// One request.
  Result<> apply(const Request& request);
  /// All of them in one send; the first failure. Those behind it were executed all the same.
  Result<> apply_all(std::span<const Request> requests);
  /// As apply, but "exists already" is success (for adds). True if it was added.
  Result<bool> ensure(const Request& request);
  /// As apply, but "not there" is success (for deletes). True if something was removed.
  Result<bool> remove(const Request& request);
  /// All objects of a dump. A dump that the kernel calls inconsistent is taken again, 5 times.
  Result<std::vector<std::string>> dump(const Request& request);

 private:
  struct Close {
    void operator()(nl_sock* socket) const noexcept;
  };
  explicit Netlink(std::unique_ptr<nl_sock, Close> socket);

  Result<> send(std::string& bytes);
  Result<std::string_view> receive();
  Result<bool> dump_once(Request request, std::vector<std::string>& objects);

  std::unique_ptr<nl_sock, Close> socket_;
  std::unique_ptr<char[]> buffer_;  // NOLINT(modernize-avoid-c-arrays)
  std::uint32_t sequence_ = 0;
};

/// The reply's failure as an error that names the request; nothing if it was done.
Result<> outcome(const Request& request, const Reply& reply);

}  // namespace vpccni::linux
