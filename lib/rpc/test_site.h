#pragma once
// For the tests of this folder: a server on a loop of its own thread, and bare sockets to it.

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "event/loop.h"
#include "rpc/client.h"
#include "rpc/server.h"

namespace vpccni::rpc {

/// /t/Echo repeats, /t/Fail says NOT_FOUND, /t/Keep keeps its Done in `kept`, /t/Later echoes after
/// 20 ms, /t/Drop forgets its Done, /t/End destroys the server.
class Site {
 public:
  explicit Site(ServerLimits limits = {});
  ~Site();
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;

  /// Runs `task` on the loop's thread and waits for it.
  void on_loop(const std::function<void()>& task);
  /// True as soon as `condition`, asked on the loop's thread, holds; false after ten seconds.
  bool eventually(const std::function<bool()>& condition);

  std::string target() const { return "127.0.0.1:" + std::to_string(port); }
  std::string socket_target() const { return "unix:" + socket; }

  event::Loop loop;
  std::optional<Server> server;
  int port = 0;
  std::string directory;
  std::string socket;
  std::vector<Done> kept;                  // loop's thread only
  std::vector<event::Registration> later;  // loop's thread only

 private:
  std::thread thread_;
};

base::Fd connect_to_port(int port);
void send_bytes(const base::Fd& fd, std::string_view bytes);  // what the peer takes
/// What arrives until the peer closes ("<closed>" at the end), `size` bytes are there, or `limit`.
std::string receive_bytes(const base::Fd& fd, std::size_t size, base::Duration limit);

/// HTTP/2 by hand.
std::string h2_frame(unsigned type, unsigned flags, unsigned stream, std::string_view payload);
std::string h2_preface();  // with an empty SETTINGS
/// A HEADERS frame without compression.
using HeaderList = std::vector<std::pair<std::string, std::string>>;
std::string h2_headers(unsigned stream, unsigned flags, const HeaderList& headers);
HeaderList grpc_headers(const std::string& path, const HeaderList& more = {});

/// Header lists that the peer sent, by stream, each "name=value" joined with spaces; "rst=N" for a
/// reset. Reads until `text` is in one of them or until ten seconds have gone.
std::string receive_headers(const base::Fd& fd, unsigned stream, const std::string& text);

}  // namespace vpccni::rpc
