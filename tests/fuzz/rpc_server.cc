// A peer of the agent's gRPC server: what it writes to its connection, in pieces, before it goes
// away. '0' in front: the bytes as they are. '1': behind a client's preface. '2': frames as
// tests/fuzz/h2.h has them, behind a preface. The second byte is the size of the pieces.

#include <sys/socket.h>

#include "agent/rpc_service.h"
#include "rpc/connection.h"
#include "tests/fuzz/h2.h"

namespace vpccni {
namespace {

using fuzz::require;

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

event::Loop& loop() {
  static event::Loop one;
  return one;
}

/// What the peer gets to read; false once the server has closed.
bool drain(int fd) {
  std::array<char, 65536> buffer{};
  for (;;) {
    const auto n = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n <= 0) {
      return n < 0;
    }
  }
}

class Site {
 public:
  Site() {
    service_->limits.message = 4096;
    service_->limits.buffered = 8192;
    service_->limits.streams = 8;
    handle("/t/Echo",
           [](std::string_view bytes, const rpc::Done& done) { done({}, std::string(bytes)); });
    handle("/t/Fail", [](std::string_view bytes, const rpc::Done& done) {
      done({rpc::Code::not_found, std::string(bytes)}, {});
    });
    handle("/t/Keep",
           [this](std::string_view, rpc::Done done) { kept_.push_back(std::move(done)); });
    handle("/t/Drop", [](std::string_view, const rpc::Done&) {});
    handle("/t/Add", [](std::string_view bytes, const rpc::Done& done) {
      ::rpc::AddNetworkRequest request;
      if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
        return done({rpc::Code::invalid_argument, "no AddNetworkRequest"}, {});
      }
      const auto event = agent::to_event(request, 1, agent::ReplyFacts());
      done({}, agent::failure(event ? "none" : event.error().message).SerializeAsString());
    });
    std::array<int, 2> ends{};
    require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) == 0,
            "a socket pair");
    peer_ = base::Fd(ends[0]);
    connection_ = rpc::Connection::start(loop(), base::Fd(ends[1]), service_,
                                         [this](const rpc::Connection*) { ++closed_; });
  }

  void write(std::string_view bytes, std::size_t piece) {
    while (!bytes.empty() && connection_->open()) {
      const auto part = bytes.substr(0, piece);
      bytes.remove_prefix(part.size());
      if (::send(peer_.get(), part.data(), part.size(), MSG_NOSIGNAL) < 0) {
        break;
      }
      turn();
    }
    for (int i = 0; i < 3; ++i) {
      turn();
    }
  }

  void end(bool by_server) {
    answer_kept("late");
    turn();
    if (by_server) {
      connection_->shut_down();
      require(closed_ <= 1, "the end is told at most once");
    } else {
      peer_.reset();
      for (int i = 0; i < 8 && connection_->open(); ++i) {
        turn();
      }
      require(!connection_->open() && closed_ == 1, "the end is told once");
    }
    const std::weak_ptr<rpc::Connection> weak = connection_;
    connection_.reset();
    require(weak.expired(), "a closed connection is gone");
    require(service_->buffered == 0, "nothing stays accounted");
    answer_kept("too late");
  }

 private:
  void handle(const std::string& path, rpc::Handler handler) {
    service_->handlers.insert_or_assign(path,
                                        std::make_shared<const rpc::Handler>(std::move(handler)));
  }
  void turn() {
    loop().run_once({});
    if (peer_.valid()) {
      (void)drain(peer_.get());
    }
  }
  void answer_kept(const std::string& text) {
    for (const auto& done : std::exchange(kept_, {})) {
      done({}, text);
      done({rpc::Code::internal, "twice"}, {});
    }
  }

  std::shared_ptr<rpc::Service> service_ = std::make_shared<rpc::Service>();
  std::vector<rpc::Done> kept_;
  base::Fd peer_;
  std::shared_ptr<rpc::Connection> connection_;
  int closed_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  const auto form = fuzz::take_choice(input, 3);
  const auto rhythm = fuzz::take_choice(input, 8);
  std::string bytes;
  if (form != 0) {
    bytes = std::string(kPreface) + fuzz::h2_frame(4, 0, 0, {});
  }
  bytes += form == 2 ? fuzz::h2_frames(input) : std::string(input);
  Site site;
  site.write(bytes, (rhythm & 1U) != 0 ? 7 : (rhythm & 2U) != 0 ? 100 : 16384);
  site.end((rhythm & 4U) != 0);
  return 0;
}

}  // namespace vpccni
