#include "rpc/client.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <optional>

#include "base/fd.h"
#include "base/text.h"
#include "rpc/headers.h"
#include "rpc/session_handle.h"
#include "rpc/target.h"

namespace vpccni::rpc {

namespace {

constexpr std::size_t kReadSize = 65536;
constexpr std::size_t kWriteSize = 65536;
constexpr std::string_view kUserAgent = "vpccni-rpc";

base::SteadyTime steady_now() {
  return std::chrono::steady_clock::now();
}

Error cut(int number) {
  Error error = errno_error(number, "connection to the server");
  error.code = Errc::unavailable;
  return error;
}

/// One call as its stream reports it.
struct Exchange {
  std::string request;  // framed
  std::size_t sent = 0;
  std::size_t header_bytes = 0;
  int http_status = 0;
  std::string content_type;
  std::optional<Code> code;
  std::string message;
  MessageReader reader;
  std::optional<Error> unreadable;  // why the reader gave up
  bool ended = false;               // the server said all
  bool closed = false;              // the stream is over
  std::uint32_t reset = 0;          // HTTP/2 error code with which it closed

  explicit Exchange(std::size_t limit) : reader(limit) {}

  bool over() const { return ended || closed || unreadable || header_bytes > kHeaderListLimit; }
};

Status status_of(const Exchange& exchange) {
  if (exchange.header_bytes > kHeaderListLimit) {
    return {Code::resource_exhausted, "reply headers are too large"};
  }
  if (exchange.unreadable) {
    const bool large = exchange.unreadable->code == Errc::exhausted;
    return {large ? Code::resource_exhausted : Code::internal,
            "reply: " + exchange.unreadable->message};
  }
  if (exchange.code && *exchange.code != Code::ok) {
    return {*exchange.code, decode_message(exchange.message)};
  }
  if (exchange.http_status != 200) {
    return {code_of_http(exchange.http_status),
            "reply has HTTP status " + std::to_string(exchange.http_status)};
  }
  if (!is_grpc_content_type(exchange.content_type)) {
    return {Code::unknown, "reply is no gRPC but \"" + exchange.content_type + "\""};
  }
  if (!exchange.code) {
    return {Code::unknown, "reply has no grpc-status"};
  }
  if (!exchange.reader.complete()) {
    return {Code::internal, "reply ended without a whole message"};
  }
  return {};
}

Result<Reply> conclude(Exchange& exchange) {
  const bool said_all = exchange.ended || exchange.unreadable || !exchange.closed ||
                        exchange.header_bytes > kHeaderListLimit;
  if (!said_all) {
    return Error{
        Errc::unavailable,
        std::string("the server reset the call: ") + nghttp2_http2_strerror(exchange.reset),
        "RST_STREAM"};
  }
  Reply reply;
  reply.status = status_of(exchange);
  if (reply.status.code == Code::ok) {
    reply.bytes = exchange.reader.take();
  }
  return reply;
}

Result<> check_metadata(const CallOptions& options) {
  for (const auto& [name, value] : options.metadata) {
    const bool valid = nghttp2_check_header_name(bytes_of(name), name.size()) != 0 &&
                       !name.starts_with(':') && !name.starts_with("grpc-") && name != "te" &&
                       name != "content-type" &&
                       nghttp2_check_header_value(bytes_of(value), value.size()) != 0;
    if (!valid) {
      return Error{Errc::invalid_argument, "\"" + name.substr(0, 64) + "\" is no metadata"};
    }
  }
  const auto& agent = options.user_agent;
  if (nghttp2_check_header_value(bytes_of(agent), agent.size()) == 0) {
    return Error{Errc::invalid_argument, "the user agent is no header value"};
  }
  return {};
}

}  // namespace

struct Channel::Impl {
  base::Fd fd;
  std::string authority;
  OwnedSession session;
  std::string out;  // taken from the session, not yet by the socket
  std::size_t out_sent = 0;
  bool greeted = false;  // the server's SETTINGS came
  std::int32_t stream = 0;
  Exchange* exchange = nullptr;  // of the call on `stream`

  struct Callbacks;

  void start();
  Result<> turn_until(const std::function<bool()>& done, base::SteadyTime until);
  Result<> send_some();
  Result<> receive_some();
  void submit(const std::string& path, const CallOptions& options);
  void on_header(std::string_view name, std::string_view value) const;
};

/// nghttp2's callbacks: no exceptions.
struct Channel::Impl::Callbacks {
  /// The call on `stream`; null for any other.
  static Exchange* exchange(void* arg, std::int32_t stream) {
    auto* impl = static_cast<Impl*>(arg);
    return stream == impl->stream ? impl->exchange : nullptr;
  }

  static int header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                    std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                    std::uint8_t, void* arg) noexcept {
    if (exchange(arg, frame->hd.stream_id) != nullptr) {
      static_cast<Impl*>(arg)->on_header(text_of(name, name_size), text_of(value, value_size));
    }
    return 0;
  }

  static int frame_received(nghttp2_session*, const nghttp2_frame* frame, void* arg) noexcept {
    if (frame->hd.type == NGHTTP2_SETTINGS) {
      static_cast<Impl*>(arg)->greeted = true;
    }
    auto* call = exchange(arg, frame->hd.stream_id);
    if (call != nullptr && ends_stream(*frame)) {
      call->ended = true;
    }
    return 0;
  }

  static int data(nghttp2_session*, std::uint8_t, std::int32_t stream, const std::uint8_t* bytes,
                  std::size_t size, void* arg) noexcept {
    auto* call = exchange(arg, stream);
    if (call != nullptr && !call->unreadable) {
      if (auto fed = call->reader.feed(text_of(bytes, size)); !fed) {
        call->unreadable = std::move(fed).error();
      }
    }
    return 0;
  }

  static int stream_closed(nghttp2_session*, std::int32_t stream, std::uint32_t code,
                           void* arg) noexcept {
    if (auto* call = exchange(arg, stream); call != nullptr) {
      call->closed = true;
      call->reset = code;
    }
    return 0;
  }

  static ssize_t read_request(nghttp2_session*, std::int32_t stream, std::uint8_t* to,
                              std::size_t room, std::uint32_t* flags, nghttp2_data_source*,
                              void* arg) noexcept {
    auto* call = exchange(arg, stream);
    if (call == nullptr) {
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // the caller has gone
    }
    const auto n = std::min(room, call->request.size() - call->sent);
    std::memcpy(to, call->request.data() + call->sent, n);
    call->sent += n;
    if (call->sent == call->request.size()) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
    }
    return static_cast<ssize_t>(n);
  }
};

void Channel::Impl::on_header(std::string_view name, std::string_view value) const {
  exchange->header_bytes += header_size(name, value);
  if (exchange->header_bytes > kHeaderListLimit) {
    return;
  }
  if (name == ":status") {
    exchange->http_status = base::parse_integer<int>(value).value_or(0);
  } else if (name == "content-type") {
    exchange->content_type = value.substr(0, 64);
  } else if (name == "grpc-status") {
    exchange->code = parse_code(value);
  } else if (name == "grpc-message") {
    exchange->message = value;
  }
}

void Channel::Impl::start() {
  nghttp2_session_callbacks* made = nullptr;
  nghttp2_session* made_session = nullptr;
  if (nghttp2_session_callbacks_new(&made) != 0) {
    std::abort();  // out of memory
  }
  const OwnedCallbacks callbacks(made);
  nghttp2_session_callbacks_set_on_header_callback(made, Callbacks::header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(made, Callbacks::frame_received);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, Callbacks::data);
  nghttp2_session_callbacks_set_on_stream_close_callback(made, Callbacks::stream_closed);
  if (nghttp2_session_client_new(&made_session, made, this) != 0) {
    std::abort();  // out of memory
  }
  session.reset(made_session);
  const std::array<nghttp2_settings_entry, 2> settings = {
      {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
       {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, kHeaderListLimit}}};
  nghttp2_submit_settings(session.get(), NGHTTP2_FLAG_NONE, settings.data(), settings.size());
}

/// What the socket takes now; what it does not stays in `out`.
Result<> Channel::Impl::send_some() {
  for (;;) {
    if (out_sent == out.size()) {
      out.clear();
      out_sent = 0;
      const std::uint8_t* data = nullptr;
      ssize_t n = 0;
      while (out.size() < kWriteSize && (n = nghttp2_session_mem_send(session.get(), &data)) > 0) {
        out += text_of(data, static_cast<std::size_t>(n));
      }
      if (n < 0) {
        return Error{Errc::corrupt,
                     std::string("HTTP/2: ") + nghttp2_strerror(static_cast<int>(n))};
      }
      if (out.empty()) {
        return {};
      }
    }
    const ssize_t n = ::send(fd.get(), out.data() + out_sent, out.size() - out_sent, MSG_NOSIGNAL);
    if (n >= 0) {
      out_sent += static_cast<std::size_t>(n);
    } else if (errno == EAGAIN) {
      return {};
    } else if (errno != EINTR) {
      return cut(errno);
    }
  }
}

Result<> Channel::Impl::receive_some() {
  std::array<std::uint8_t, kReadSize> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  const ssize_t n = ::recv(fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (n == 0) {
    return Error{Errc::unavailable, "the server closed the connection", "EOF"};
  }
  if (n < 0) {
    return errno == EAGAIN || errno == EINTR ? Result<>{} : cut(errno);
  }
  const auto taken =
      nghttp2_session_mem_recv(session.get(), buffer.data(), static_cast<std::size_t>(n));
  if (taken < 0) {
    return Error{Errc::corrupt, std::string("the server speaks no proper HTTP/2: ") +
                                    nghttp2_strerror(static_cast<int>(taken))};
  }
  return {};
}

Result<> Channel::Impl::turn_until(const std::function<bool()>& done, base::SteadyTime until) {
  while (!done()) {
    VPCCNI_CHECK(send_some());
    const bool pending = !out.empty();
    if (!pending && nghttp2_session_want_read(session.get()) == 0) {
      return Error{Errc::corrupt, "the server speaks no proper HTTP/2"};
    }
    const auto events = static_cast<short>(pending ? POLLIN | POLLOUT : POLLIN);
    VPCCNI_TRY(const bool ready, wait_ready(fd.get(), events, until));
    // Checked by the clock too: a server that always has something to say must not hold us.
    if (!ready || steady_now() >= until) {
      return Error{Errc::timeout, "the server did not answer in time", "ETIMEDOUT"};
    }
    VPCCNI_CHECK(receive_some());
  }
  return {};
}

void Channel::Impl::submit(const std::string& path, const CallOptions& options) {
  const std::string timeout = format_timeout(options.deadline);
  std::vector<nghttp2_nv> headers = {
      nv(":method", "POST"),
      nv(":scheme", "http"),
      nv(":path", path),
      nv(":authority", authority),
      nv("te", "trailers"),
      nv("content-type", kContentType),
      nv("user-agent", options.user_agent.empty() ? kUserAgent : options.user_agent),
      nv("grpc-timeout", timeout)};
  for (const auto& [name, value] : options.metadata) {
    headers.push_back(nv(name, value));
  }
  nghttp2_data_provider body{};
  body.read_callback = Callbacks::read_request;
  stream = nghttp2_submit_request(session.get(), nullptr, headers.data(), headers.size(), &body,
                                  nullptr);
}

Result<Channel> Channel::open(const std::string& target, base::SteadyTime until) {
  VPCCNI_TRY(const auto where, parse_target(target));
  auto fd = wrap(connect(where, until), "server " + target);
  if (!fd) {
    return std::move(fd).error();
  }
  auto impl = std::make_unique<Impl>();
  impl->fd = *std::move(fd);
  impl->authority = where.authority();
  impl->start();
  return Channel(std::move(impl));
}

Channel::Channel(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Channel::Channel(Channel&&) noexcept = default;
Channel& Channel::operator=(Channel&&) noexcept = default;
Channel::~Channel() = default;

Result<> Channel::await_server(base::SteadyTime until) {
  return impl_->turn_until([this] { return impl_->greeted; }, until);
}

Result<Reply> Channel::call(const std::string& path, std::string_view request_bytes,
                            const CallOptions& options) {
  VPCCNI_CHECK(check_metadata(options));
  const auto until = steady_now() + options.deadline;
  Exchange exchange(options.reply_limit);
  exchange.request = frame(request_bytes);
  impl_->exchange = &exchange;
  impl_->submit(path, options);
  auto turned = impl_->stream > 0
                    ? impl_->turn_until([&exchange] { return exchange.over(); }, until)
                    : Result<>(Error{Errc::unavailable, "no more calls on this connection"});
  impl_->exchange = nullptr;
  if (turned && !exchange.closed) {  // answered early: no more of this request
    nghttp2_submit_rst_stream(impl_->session.get(), NGHTTP2_FLAG_NONE, impl_->stream,
                              NGHTTP2_CANCEL);
    (void)impl_->send_some();  // ignoring: the answer is here, and the next call will tell
  }
  if (!turned) {
    return std::move(turned).error();
  }
  return conclude(exchange);
}

Result<Reply> call(const std::string& target, const std::string& path,
                   std::string_view request_bytes, const CallOptions& options) {
  const auto start = steady_now();
  auto channel = Channel::open(target, start + std::min(options.connect_timeout, options.deadline));
  if (!channel) {
    return std::move(channel).error();
  }
  CallOptions rest = options;
  rest.deadline = std::max(options.deadline - (steady_now() - start), base::Duration::zero());
  return wrap(channel->call(path, request_bytes, rest), "call " + target + path);
}

}  // namespace vpccni::rpc
