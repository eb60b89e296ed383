// The socket side of a server's connection: bytes in, bytes out, and its end.

#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "rpc/connection.h"
#include "rpc/session_handle.h"

namespace vpccni::rpc {

namespace {

constexpr std::size_t kReadSize = 16384;   // per turn, so that one peer cannot hold the loop
constexpr std::size_t kWriteSize = 65536;  // frames are collected up to this before a send

}  // namespace

void Connection::watch(bool writing) {
  writing_ = writing;
  const std::weak_ptr<Connection> weak = weak_from_this();
  watch_ = loop_.watch(fd_.get(), writing ? event::Ready::write : event::Ready::read,
                       [weak](bool readable, bool) {
                         if (const auto self = weak.lock()) {
                           self->on_ready(readable);
                         }
                       });
}

void Connection::on_ready(bool readable) {
  const auto self = shared_from_this();
  if (!open()) {
    return;
  }
  working_ = true;
  if (readable) {
    receive();
  }
  for (const auto stream : std::exchange(ready_, {})) {
    if (open()) {
      dispatch(stream);
    }
  }
  working_ = false;
  flush();
}

void Connection::receive() {
  std::array<std::uint8_t, kReadSize> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  const ssize_t n = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
    return;
  }
  last_active_ = std::chrono::steady_clock::now();
  // An error of mem_recv is one that no GOAWAY can answer: no HTTP/2, or a flood.
  if (n <= 0 ||
      nghttp2_session_mem_recv(session_.get(), buffer.data(), static_cast<std::size_t>(n)) < 0) {
    close();
  }
}

void Connection::gather() {
  out_.clear();
  out_sent_ = 0;
  while (out_.size() < kWriteSize) {
    const std::uint8_t* data = nullptr;
    const ssize_t n = nghttp2_session_mem_send(session_.get(), &data);
    if (n < 0) {
      return close();
    }
    if (n == 0) {
      return;
    }
    out_ += text_of(data, static_cast<std::size_t>(n));
  }
}

void Connection::flush() {
  const auto self = shared_from_this();
  bool progress = false;
  while (open()) {
    if (out_sent_ == out_.size()) {
      gather();
      if (out_.empty() || !open()) {
        break;
      }
    }
    const ssize_t n =
        ::send(fd_.get(), out_.data() + out_sent_, out_.size() - out_sent_, MSG_NOSIGNAL);
    if (n >= 0) {
      out_sent_ += static_cast<std::size_t>(n);
      progress = true;
    } else if (errno == EAGAIN) {
      break;
    } else if (errno != EINTR) {
      return close();
    }
  }
  if (!open()) {
    return;
  }
  const bool pending = !out_.empty();
  if (!pending && nghttp2_session_want_read(session_.get()) == 0 &&
      nghttp2_session_want_write(session_.get()) == 0) {
    return close();
  }
  limit_stall(pending, progress);
  if (pending != writing_) {
    watch(pending);
  }
}

void Connection::limit_stall(bool pending, bool progress) {
  if (!pending) {
    stall_ = {};
  } else if (progress || !writing_) {
    const std::weak_ptr<Connection> weak = weak_from_this();
    stall_ = loop_.after(service_->limits.stall, [weak] {
      if (const auto late = weak.lock()) {
        late->close();
      }
    });
  }
}

void Connection::close() {
  if (!open()) {
    return;
  }
  const auto self = shared_from_this();
  watch_ = {};
  preface_ = {};
  stall_ = {};
  fd_.reset();
  if (const auto closed = std::exchange(closed_, {})) {
    closed(this);
  }
}

void Connection::shut_down() {
  const auto self = shared_from_this();
  closed_ = {};
  if (open() && !working_) {
    nghttp2_session_terminate_session(session_.get(), NGHTTP2_NO_ERROR);
    flush();
  }
  close();
}

}  // namespace vpccni::rpc
