#include "http/server.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cstring>
#include <unordered_map>

#include "base/owned.h"
#include "event/listen.h"

namespace vpccni::http {

namespace {

using OwnedHttp = base::Owned<evhttp, evhttp_free>;
using OwnedBuffer = base::Owned<evbuffer, evbuffer_free>;

constexpr std::array<std::pair<evhttp_cmd_type, std::string_view>, 8> kMethods = {
    {{EVHTTP_REQ_GET, "GET"},
     {EVHTTP_REQ_POST, "POST"},
     {EVHTTP_REQ_HEAD, "HEAD"},
     {EVHTTP_REQ_PUT, "PUT"},
     {EVHTTP_REQ_DELETE, "DELETE"},
     {EVHTTP_REQ_OPTIONS, "OPTIONS"},
     {EVHTTP_REQ_TRACE, "TRACE"},
     {EVHTTP_REQ_PATCH, "PATCH"}}};

// What a client may send ahead while its previous request is still being answered.
constexpr std::size_t kReadAhead = 65536;

timeval to_timeval(base::Duration duration) {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
  return {static_cast<time_t>(us / 1'000'000), static_cast<suseconds_t>(us % 1'000'000)};
}

std::string_view method_of(evhttp_request* request) {
  for (const auto& [type, name] : kMethods) {
    if (type == evhttp_request_get_command(request)) {
      return name;
    }
  }
  return "GET";
}

std::string numeric_address(const sockaddr_storage& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof(v4));
    return inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
  }
  if (address.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address, sizeof(v6));
    const std::string full = inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    return full.starts_with("::ffff:") ? full.substr(7) : full;
  }
  return {};
}

std::string peer_of(evhttp_request* request) {
  auto* bufferevent = evhttp_connection_get_bufferevent(evhttp_request_get_connection(request));
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  auto* raw = reinterpret_cast<sockaddr*>(&address);  // NOLINT: the socket API's type
  if (getpeername(bufferevent_getfd(bufferevent), raw, &size) != 0) {
    return {};
  }
  return numeric_address(address);
}

/// Path and query of a request target. Not left to libevent's URI parser, which takes "//x/y" for
/// a host; absolute targets lose their scheme and host.
void split_target(std::string_view target, ServerRequest& out) {
  if (!target.starts_with('/')) {
    const auto scheme = target.find("://");
    if (scheme != std::string_view::npos) {
      const auto path = target.find('/', scheme + 3);
      target = path == std::string_view::npos ? "/" : target.substr(path);
    }
  }
  target = target.substr(0, target.find('#'));
  const auto question = target.find('?');
  out.path = base::percent_decode(target.substr(0, question), false);
  if (question != std::string_view::npos) {
    out.query = target.substr(question + 1);
  }
}

ServerRequest to_request(evhttp_request* request) {
  ServerRequest result;
  result.method = method_of(request);
  split_target(evhttp_request_get_uri(request), result);
  for (const auto* header = evhttp_request_get_input_headers(request)->tqh_first; header != nullptr;
       header = header->next.tqe_next) {
    result.headers.emplace_back(header->key, header->value);
  }
  auto* body = evhttp_request_get_input_buffer(request);
  result.body.resize(evbuffer_get_length(body));
  evbuffer_copyout(body, result.body.data(), result.body.size());
  result.peer = peer_of(request);
  return result;
}

/// A request from its dispatch until its connection is done with it. libevent frees the request
/// when it has been answered, or hands it back when the connection broke before.
struct Exchange {
  evhttp_request* request = nullptr;  // null: answered completely, or the client has gone
  bool answered = false;
  timeval timeout{};
  std::unordered_map<Exchange*, std::shared_ptr<Exchange>>* live = nullptr;  // null: no server

  bufferevent* connection_buffer() const {
    return evhttp_connection_get_bufferevent(evhttp_request_get_connection(request));
  }
  void finish() {
    request = nullptr;
    if (live != nullptr) {
      live->erase(this);  // may destroy this
    }
  }
};

extern "C" void on_connection_closed(evhttp_connection*, void* arg) noexcept {
  auto* exchange = static_cast<Exchange*>(arg);
  auto* request = exchange->request;
  if (request != nullptr && evhttp_request_get_connection(request) == nullptr) {
    evhttp_request_free(request);  // the connection gave it up because it was not answered
  }
  exchange->finish();
}

extern "C" void on_answered(evhttp_request* request, void* arg) noexcept {
  auto* exchange = static_cast<Exchange*>(arg);
  auto* connection = evhttp_request_get_connection(request);
  evhttp_connection_set_closecb(connection, nullptr, nullptr);
  evhttp_connection_set_timeout_tv(connection, &exchange->timeout);
  exchange->finish();
}

void add_headers(evhttp_request* request, const ServerReply& reply) {
  auto* headers = evhttp_request_get_output_headers(request);
  for (const auto& [name, value] : reply.headers) {
    evhttp_add_header(headers, name.c_str(), value.c_str());  // refuses line breaks
  }
  if (!reply.content_type.empty() && header(reply.headers, "Content-Type").empty()) {
    evhttp_add_header(headers, "Content-Type", reply.content_type.c_str());
  }
}

OwnedBuffer buffer_of(std::string_view bytes) {
  OwnedBuffer buffer(evbuffer_new());
  evbuffer_add(buffer.get(), bytes.data(), bytes.size());
  return buffer;
}

void send_reply(Exchange& exchange, const ServerReply& reply) {
  auto* request = exchange.request;
  exchange.answered = true;
  add_headers(request, reply);
  std::string_view body = reply.body;
  if (evhttp_request_get_command(request) == EVHTTP_REQ_HEAD) {
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Length",
                      std::to_string(body.size()).c_str());
    body = {};
  }
  auto* connection = exchange.connection_buffer();
  evhttp_send_reply(request, reply.status, nullptr, buffer_of(body).get());
  // libevent reads while it writes, and would give up the answer for a client that has shut down
  // its own side. It reads again after the answer.
  bufferevent_disable(connection, EV_READ);
}

class StreamImpl final : public Stream {
 public:
  explicit StreamImpl(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
  StreamImpl(const StreamImpl&) = delete;
  StreamImpl& operator=(const StreamImpl&) = delete;
  ~StreamImpl() override {
    if (open()) {
      evhttp_send_reply_end(exchange_->request);
    }
  }

  void send(std::string_view chunk) override {
    if (open()) {
      evhttp_send_reply_chunk(exchange_->request, buffer_of(chunk).get());
    }
  }
  bool open() const override { return exchange_->request != nullptr; }

 private:
  std::shared_ptr<Exchange> exchange_;
};

class ResponderImpl final : public Responder {
 public:
  ResponderImpl(event::Loop& loop, std::shared_ptr<Exchange> exchange)
      : loop_(loop), exchange_(std::move(exchange)) {}
  ResponderImpl(const ResponderImpl&) = delete;
  ResponderImpl& operator=(const ResponderImpl&) = delete;
  ~ResponderImpl() override {
    if (pending()) {
      send_reply(*exchange_, {.status = 500, .body = "no answer\n"});
    }
  }

  void reply(ServerReply reply) override {
    if (pending()) {
      send_reply(*exchange_, reply);
    }
  }

  std::unique_ptr<Stream> stream(ServerReply head) override {
    if (pending()) {
      exchange_->answered = true;
      add_headers(exchange_->request, head);
      evhttp_add_header(evhttp_request_get_output_headers(exchange_->request), "Connection",
                        "close");
      evhttp_send_reply_start(exchange_->request, head.status, nullptr);
      auto stream = std::make_unique<StreamImpl>(exchange_);
      stream->send(head.body);
      return stream;
    }
    return std::make_unique<StreamImpl>(std::make_shared<Exchange>());
  }

  void drop() override {
    if (pending()) {
      exchange_->answered = true;
      // Later: libevent still uses the connection after the handler has returned.
      loop_.post([exchange = exchange_] {
        if (exchange->request != nullptr) {
          evhttp_connection_free(evhttp_request_get_connection(exchange->request));
        }
      });
    }
  }

 private:
  bool pending() const { return exchange_->request != nullptr && !exchange_->answered; }

  event::Loop& loop_;
  std::shared_ptr<Exchange> exchange_;
};

}  // namespace

struct Server::Impl {
  event::Loop& loop;
  Handler handler;
  ServerOptions options;
  OwnedHttp http;
  std::unordered_map<Exchange*, std::shared_ptr<Exchange>> live;

  ~Impl() {
    http.reset();  // closes the connections, which ends their exchanges
    for (auto& [key, exchange] : live) {
      exchange->request = nullptr;
    }
    for (auto& [key, exchange] : live) {
      exchange->live = nullptr;
    }
  }

  void dispatch(evhttp_request* request) {
    auto exchange = std::make_shared<Exchange>();
    exchange->request = request;
    exchange->timeout = to_timeval(options.timeout);
    exchange->live = &live;
    live.emplace(exchange.get(), exchange);
    evhttp_request_set_on_complete_cb(request, on_answered, exchange.get());
    evhttp_connection_set_closecb(evhttp_request_get_connection(request), on_connection_closed,
                                  exchange.get());
    // The client has nothing to say now: only writing is timed until the answer is out.
    bufferevent_set_timeouts(exchange->connection_buffer(), nullptr, &exchange->timeout);
    bufferevent_setwatermark(exchange->connection_buffer(), EV_READ, 0, kReadAhead);
    handler(to_request(request), std::make_shared<ResponderImpl>(loop, exchange));
  }

  Result<> accept_from(base::Fd fd) const {
    if (evhttp_accept_socket_with_handle(http.get(), fd.get()) == nullptr) {
      return Error{Errc::internal, "accept connections"};
    }
    (void)fd.release();  // libevent's now
    return {};
  }
};

Server::Server(event::Loop& loop, Handler handler, ServerOptions options)
    : impl_(new Impl{loop, std::move(handler), options, OwnedHttp(evhttp_new(loop.base())), {}}) {
  auto* http = impl_->http.get();
  unsigned methods = 0;
  for (const auto& [type, name] : kMethods) {
    methods |= static_cast<unsigned>(type);
  }
  const timeval timeout = to_timeval(options.timeout);
  evhttp_set_allowed_methods(http, static_cast<ev_uint16_t>(methods));
  evhttp_set_max_headers_size(http, static_cast<ev_ssize_t>(options.header_limit));
  evhttp_set_max_body_size(http, static_cast<ev_ssize_t>(options.body_limit));
  evhttp_set_default_content_type(http, nullptr);
  evhttp_set_timeout_tv(http, &timeout);
  evhttp_set_gencb(
      http,
      [](evhttp_request* request, void* arg) noexcept {
        static_cast<Impl*>(arg)->dispatch(request);
      },
      impl_.get());
}

Server::~Server() = default;

Result<int> Server::listen_tcp(const std::string& address, int port) {
  VPCCNI_TRY(auto listener, event::listen_tcp(address, port));
  VPCCNI_CHECK(impl_->accept_from(std::move(listener.fd)));
  return listener.port;
}

Result<> Server::listen_unix(const std::string& path, unsigned mode) {
  VPCCNI_TRY(auto fd, event::listen_unix(path, mode, event::Occupied::refuse));
  return impl_->accept_from(std::move(fd));
}

}  // namespace vpccni::http
