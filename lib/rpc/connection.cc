#include "rpc/connection.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include "rpc/headers.h"
#include "rpc/session_handle.h"

namespace vpccni::rpc {

namespace {

constexpr std::size_t kLongestPath = 512;
constexpr std::size_t kOutboundAcks = 200;  // unsent answers to PING and SETTINGS

base::SteadyTime steady_now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

/// One stream, from its headers until both sides are done with it.
struct Connection::Call {
  enum class Phase { receiving, running, answered };

  Call(Service& owner, std::size_t limit) : service(owner), reader(limit) {}
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call() { release(); }

  void release() {
    service.buffered -= reader.size();
    (void)reader.take();
  }

  Service& service;
  Phase phase = Phase::receiving;
  std::size_t header_bytes = 0;
  std::string method;
  std::string path;
  std::string timeout;
  bool grpc = false;  // content type
  MessageReader reader;
  std::optional<base::SteadyTime> deadline;
  event::Registration timer;  // request, deadline, or stalled answer, in turn
  std::string body;           // framed reply
  std::size_t body_sent = 0;
  std::string status_code;
  std::string status_message;

  std::vector<nghttp2_nv> trailers() const {
    std::vector<nghttp2_nv> out{nv("grpc-status", status_code)};
    if (!status_message.empty()) {
      out.push_back(nv("grpc-message", status_message));
    }
    return out;
  }
};

/// nghttp2's callbacks: no exceptions, each one line into the connection.
struct Connection::Callbacks {
  static Connection& of(void* arg) { return *static_cast<Connection*>(arg); }

  static int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* arg) noexcept {
    auto& self = of(arg);
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
      self.calls_[frame->hd.stream_id] =
          std::make_unique<Call>(*self.service_, self.service_->limits.message);
    }
    return 0;
  }

  static int header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                    std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                    std::uint8_t, void* arg) noexcept {
    of(arg).on_header(frame->hd.stream_id, text_of(name, name_size), text_of(value, value_size));
    return 0;
  }

  static int frame_received(nghttp2_session*, const nghttp2_frame* frame, void* arg) noexcept {
    auto& self = of(arg);
    if (frame->hd.type == NGHTTP2_SETTINGS) {
      self.preface_ = {};
    }
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
      self.on_headers_end(frame->hd.stream_id);
    }
    if (ends_stream(*frame)) {
      self.on_request_end(frame->hd.stream_id);
    }
    return 0;
  }

  static int data(nghttp2_session*, std::uint8_t, std::int32_t stream, const std::uint8_t* bytes,
                  std::size_t size, void* arg) noexcept {
    of(arg).on_data(stream, text_of(bytes, size));
    return 0;
  }

  /// An answer before the request's end: the peer is told to send no more (RFC 9113 8.1).
  static int frame_sent(nghttp2_session* session, const nghttp2_frame* frame, void*) noexcept {
    const auto stream = frame->hd.stream_id;
    if (ends_stream(*frame) && nghttp2_session_get_stream_remote_close(session, stream) == 0) {
      nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream, NGHTTP2_NO_ERROR);
    }
    return 0;
  }

  static int stream_closed(nghttp2_session*, std::int32_t stream, std::uint32_t,
                           void* arg) noexcept {
    of(arg).calls_.erase(stream);
    return 0;
  }

  static ssize_t read_body(nghttp2_session* session, std::int32_t stream, std::uint8_t* to,
                           std::size_t room, std::uint32_t* flags, nghttp2_data_source* source,
                           void*) noexcept {
    auto& call = *static_cast<Call*>(source->ptr);
    const auto n = std::min(room, call.body.size() - call.body_sent);
    std::memcpy(to, call.body.data() + call.body_sent, n);
    call.body_sent += n;
    if (call.body_sent == call.body.size()) {
      const auto trailers = call.trailers();
      if (nghttp2_submit_trailer(session, stream, trailers.data(), trailers.size()) != 0) {
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
      }
      *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
    }
    return static_cast<ssize_t>(n);
  }

  static nghttp2_session* make_session(Connection& owner) {
    nghttp2_session_callbacks* made = nullptr;
    nghttp2_option* made_option = nullptr;
    nghttp2_session* session = nullptr;
    if (nghttp2_session_callbacks_new(&made) != 0 || nghttp2_option_new(&made_option) != 0) {
      std::abort();  // out of memory
    }
    const OwnedCallbacks callbacks(made);
    const OwnedOption option(made_option);
    nghttp2_session_callbacks_set_on_begin_headers_callback(made, begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(made, header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(made, frame_received);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, data);
    nghttp2_session_callbacks_set_on_frame_send_callback(made, frame_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(made, stream_closed);
    nghttp2_option_set_max_outbound_ack(made_option, kOutboundAcks);
    nghttp2_option_set_no_closed_streams(made_option, 1);
    if (nghttp2_session_server_new2(&session, made, &owner, made_option) != 0) {
      std::abort();  // out of memory
    }
    return session;
  }
};

std::shared_ptr<Connection> Connection::start(event::Loop& loop, base::Fd fd,
                                              std::shared_ptr<Service> service, Closed closed) {
  std::shared_ptr<Connection> self(
      new Connection(loop, std::move(fd), std::move(service), std::move(closed)));
  const std::weak_ptr<Connection> weak = self;
  self->preface_ = loop.after(self->service_->limits.preface, [weak] {
    if (const auto late = weak.lock()) {
      late->close();
    }
  });
  self->watch(false);
  self->flush();
  return self;
}

Connection::Connection(event::Loop& loop, base::Fd fd, std::shared_ptr<Service> service,
                       Closed closed)
    : loop_(loop),
      fd_(std::move(fd)),
      service_(std::move(service)),
      closed_(std::move(closed)),
      session_(Callbacks::make_session(*this), nghttp2_session_del),
      last_active_(steady_now()) {
  const std::array<nghttp2_settings_entry, 2> settings = {
      {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, service_->limits.streams},
       {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, kHeaderListLimit}}};
  nghttp2_submit_settings(session_.get(), NGHTTP2_FLAG_NONE, settings.data(), settings.size());
}

Connection::~Connection() = default;

void Connection::on_header(std::int32_t stream, std::string_view name, std::string_view value) {
  const auto at = calls_.find(stream);
  if (at == calls_.end()) {
    return;
  }
  Call& call = *at->second;
  call.header_bytes += header_size(name, value);
  if (call.header_bytes > kHeaderListLimit) {
    return;  // refused when the list ends
  }
  if (name == ":method") {
    call.method = value.substr(0, 16);
  } else if (name == ":path") {
    call.path = value.substr(0, kLongestPath);
  } else if (name == "content-type") {
    call.grpc = is_grpc_content_type(value);
  } else if (name == "grpc-timeout") {
    call.timeout = value.substr(0, 16);
  }
}

Status Connection::peer_objection() {
  if (!peer_) {
    peer_ = service_->peer_check(fd_.get());
  }
  return *peer_;
}

Status Connection::objection(const Call& call, base::Duration& timeout) {
  if (call.header_bytes > kHeaderListLimit) {
    return {Code::resource_exhausted,
            "header list is larger than " + std::to_string(kHeaderListLimit) + " bytes"};
  }
  if (!call.timeout.empty()) {
    const auto parsed = parse_timeout(call.timeout);
    if (!parsed) {
      return {Code::invalid_argument, parsed.error().message};
    }
    timeout = *parsed;
  }
  if (service_->handlers.find(call.path) == service_->handlers.end()) {
    return {Code::unimplemented, "unknown method " + call.path};
  }
  return service_->checked.contains(call.path) ? peer_objection() : Status();
}

void Connection::on_headers_end(std::int32_t stream) {
  const auto at = calls_.find(stream);
  if (at == calls_.end()) {
    return;
  }
  Call& call = *at->second;
  const bool readable = call.header_bytes <= kHeaderListLimit;
  if (readable && call.method != "POST") {
    return answer_http(stream, "405");
  }
  if (readable && !call.grpc) {
    return answer_http(stream, "415");
  }
  base::Duration timeout = base::Duration::max();
  if (const Status refusal = objection(call, timeout); refusal.code != Code::ok) {
    return answer(stream, refusal, {});
  }
  if (timeout != base::Duration::max()) {
    call.deadline = steady_now() + timeout;
  }
  const std::weak_ptr<Connection> weak = weak_from_this();
  call.timer = loop_.after(std::min(timeout, service_->limits.request), [weak, stream] {
    if (const auto self = weak.lock()) {
      self->expire(stream);
    }
  });
}

void Connection::on_data(std::int32_t stream, std::string_view bytes) {
  const auto at = calls_.find(stream);
  if (at == calls_.end() || at->second->phase != Call::Phase::receiving) {
    return;
  }
  Call& call = *at->second;
  const auto before = call.reader.size();
  const auto fed = call.reader.feed(bytes);
  service_->buffered += call.reader.size() - before;
  if (!fed) {
    const Code code = fed.error().code == Errc::exhausted     ? Code::resource_exhausted
                      : fed.error().code == Errc::unsupported ? Code::unimplemented
                                                              : Code::internal;
    answer(stream, {code, fed.error().message}, {});
  } else if (service_->buffered > service_->limits.buffered) {
    answer(stream, {Code::resource_exhausted, "the server holds too many unfinished requests"}, {});
  }
}

void Connection::on_request_end(std::int32_t stream) {
  const auto at = calls_.find(stream);
  if (at == calls_.end() || at->second->phase != Call::Phase::receiving) {
    return;
  }
  Call& call = *at->second;
  if (!call.reader.complete()) {
    return answer(stream, {Code::internal, "the request ended without a whole message"}, {});
  }
  call.phase = Call::Phase::running;
  call.timer = {};
  if (call.deadline) {
    const std::weak_ptr<Connection> weak = weak_from_this();
    call.timer = loop_.after(*call.deadline - steady_now(), [weak, stream] {
      if (const auto self = weak.lock()) {
        self->expire(stream);
      }
    });
  }
  ready_.push_back(stream);
}

namespace {

/// The right to answer one call; the last owner's end is an answer too.
struct Ticket {
  std::weak_ptr<Connection> connection;
  std::int32_t stream = 0;

  Ticket(std::weak_ptr<Connection> to, std::int32_t id) : connection(std::move(to)), stream(id) {}
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;
  ~Ticket() { answer({Code::internal, "the handler gave no answer"}, {}); }

  void answer(const Status& status, std::string reply) const {
    if (const auto self = connection.lock()) {
      self->answer(stream, status, std::move(reply));
    }
  }
};

}  // namespace

void Connection::dispatch(std::int32_t stream) {
  const auto at = calls_.find(stream);
  if (at == calls_.end() || at->second->phase != Call::Phase::running) {
    return;
  }
  Call& call = *at->second;
  const auto row = service_->handlers.find(call.path);
  service_->buffered -= call.reader.size();
  const std::string message = call.reader.take();
  const std::shared_ptr<const Handler> handler = row->second;  // may be replaced while it runs
  auto ticket = std::make_shared<Ticket>(weak_from_this(), stream);
  (*handler)(message, [ticket = std::move(ticket)](const Status& status, std::string reply) {
    ticket->answer(status, std::move(reply));
  });
}

void Connection::expire(std::int32_t stream) {
  answer(stream, {Code::deadline_exceeded, "deadline exceeded"}, {});
}

void Connection::answer_http(std::int32_t stream, std::string_view status) {
  calls_.at(stream)->phase = Call::Phase::answered;
  const std::array<nghttp2_nv, 1> headers = {nv(":status", status)};
  nghttp2_submit_response(session_.get(), stream, headers.data(), headers.size(), nullptr);
}

void Connection::submit(std::int32_t stream, Call& call, const Status& status) {
  call.status_code = std::to_string(static_cast<int>(status.code));
  call.status_message = encode_message(status.message);
  std::vector<nghttp2_nv> headers = {nv(":status", "200"), nv("content-type", kContentType),
                                     nv("grpc-accept-encoding", "identity")};
  nghttp2_data_provider body{};
  body.source.ptr = &call;
  body.read_callback = Callbacks::read_body;
  const bool trailers_only = status.code != Code::ok;
  if (trailers_only) {
    const auto trailers = call.trailers();
    headers.insert(headers.end(), trailers.begin(), trailers.end());
  }
  nghttp2_submit_response(session_.get(), stream, headers.data(), headers.size(),
                          trailers_only ? nullptr : &body);
}

void Connection::answer(std::int32_t stream, const Status& status, std::string reply) {
  const auto at = calls_.find(stream);
  if (!open() || at == calls_.end() || at->second->phase == Call::Phase::answered) {
    return;
  }
  const auto self = shared_from_this();
  Call& call = *at->second;
  call.phase = Call::Phase::answered;
  call.release();
  call.body = status.code == Code::ok ? frame(reply) : std::string();
  submit(stream, call, status);
  const std::weak_ptr<Connection> weak = weak_from_this();
  call.timer = loop_.after(service_->limits.stall, [weak, stream] {
    if (const auto late = weak.lock()) {
      nghttp2_submit_rst_stream(late->session_.get(), NGHTTP2_FLAG_NONE, stream, NGHTTP2_CANCEL);
      late->flush();
    }
  });
  if (!working_) {
    flush();
  }
}

}  // namespace vpccni::rpc
