#pragma once
// One accepted connection of the server: its HTTP/2 session and the calls on it. Lives on the
// loop's thread; owned by the server, and by itself while it works.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "event/loop.h"
#include "rpc/framing.h"
#include "rpc/server.h"

struct nghttp2_session;

namespace vpccni::rpc {

/// What a server shares with its connections.
struct Service {
  std::map<std::string, std::shared_ptr<const Handler>, std::less<>> handlers;
  PeerCheck peer_check;
  std::set<std::string, std::less<>> checked;  // paths
  ServerLimits limits;
  std::size_t buffered = 0;  // bytes of unfinished requests that all connections hold
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Closed = std::function<void(const Connection*)>;

  /// `closed` is called once, when the peer or the protocol ended it; not after shut_down().
  static std::shared_ptr<Connection> start(event::Loop& loop, base::Fd fd,
                                           std::shared_ptr<Service> service, Closed closed);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Answers the call on `stream`; nothing if there is none that waits.
  void answer(std::int32_t stream, const Status& status, std::string reply);

  /// GOAWAY as far as the socket takes it, then closed.
  void shut_down();

  bool open() const { return fd_.valid(); }
  bool idle() const { return calls_.empty(); }
  base::SteadyTime last_active() const { return last_active_; }

  struct Callbacks;  // how nghttp2 reports

 private:
  struct Call;

  Connection(event::Loop& loop, base::Fd fd, std::shared_ptr<Service> service, Closed closed);

  // What the session reports.
  void on_header(std::int32_t stream, std::string_view name, std::string_view value);
  void on_headers_end(std::int32_t stream);
  void on_data(std::int32_t stream, std::string_view bytes);
  void on_request_end(std::int32_t stream);

  /// Why this request is not for a handler; ok if it is.
  Status objection(const Call& call, base::Duration& timeout);
  Status peer_objection();
  void answer_http(std::int32_t stream, std::string_view status);
  void dispatch(std::int32_t stream);
  void expire(std::int32_t stream);
  void submit(std::int32_t stream, Call& call, const Status& status);

  void on_ready(bool readable);
  void receive();
  void gather();
  void flush();
  void watch(bool writing);
  void limit_stall(bool pending, bool progress);
  void close();

  event::Loop& loop_;
  base::Fd fd_;
  std::shared_ptr<Service> service_;
  Closed closed_;
  std::unique_ptr<nghttp2_session, void (*)(nghttp2_session*)> session_;
  std::map<std::int32_t, std::unique_ptr<Call>> calls_;
  std::vector<std::int32_t> ready_;  // whole requests, not yet given to their handlers
  std::string out_;                  // taken from the session, not yet by the socket
  std::size_t out_sent_ = 0;
  bool working_ = false;        // inside on_ready: answers are flushed at its end
  bool writing_ = false;        // waiting for the socket to take out_; reads nothing meanwhile
  std::optional<Status> peer_;  // what the peer check said, once asked
  base::SteadyTime last_active_{};
  event::Registration watch_;
  event::Registration preface_;
  event::Registration stall_;
};

}  // namespace vpccni::rpc
