// The fixture of test_site.h.

#include "rpc/test_site.h"

#include <arpa/inet.h>
#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cstdlib>
#include <filesystem>

#include "rpc/health.h"
#include "rpc/session_handle.h"
#include "rpc/target.h"

namespace vpccni::rpc {

using namespace std::chrono_literals;

namespace {

void must(bool fact) {
  if (!fact) {
    std::abort();
  }
}

}  // namespace

Site::Site(ServerLimits limits) {
  directory = std::filesystem::temp_directory_path() / "vpccni-rpc-XXXXXX";
  must(::mkdtemp(directory.data()) != nullptr);
  socket = directory + "/s.sock";
  server.emplace(loop, limits);
  server->handle("/t/Echo",
                 [](std::string_view bytes, const Done& done) { done({}, std::string(bytes)); });
  server->handle("/t/Fail", [](std::string_view, const Done& done) {
    done({Code::not_found, "no 100% such\nthing \xc3\xbc"}, "ignored");
  });
  server->handle("/t/Keep",
                 [this](std::string_view, Done done) { kept.push_back(std::move(done)); });
  server->handle("/t/Later", [this](std::string_view bytes, Done done) {
    later.push_back(
        loop.after(20ms, [done = std::move(done), text = std::string(bytes)] { done({}, text); }));
  });
  server->handle("/t/Drop", [](std::string_view, const Done&) {});
  server->handle("/t/End", [this](std::string_view, const Done& done) {
    server.reset();
    done({}, "too late");
  });
  serve_health(*server, [] { return true; });
  const auto bound = server->listen_tcp("127.0.0.1", 0);
  must(bound && server->listen_unix(socket));
  port = *bound;
  thread_ = std::thread([this] { loop.run(); });
}

Site::~Site() {
  on_loop([this] { server.reset(); });
  loop.stop();
  thread_.join();
  std::filesystem::remove_all(directory);
}

void Site::on_loop(const std::function<void()>& task) {
  std::promise<void> ran;
  loop.post([&] {
    task();
    ran.set_value();
  });
  ran.get_future().wait();
}

bool Site::eventually(const std::function<bool()>& condition) {
  const auto limit = std::chrono::steady_clock::now() + 10s;
  bool holds = false;
  while (!holds && std::chrono::steady_clock::now() < limit) {
    on_loop([&] { holds = condition(); });
    ::poll(nullptr, 0, holds ? 0 : 1);
  }
  return holds;
}

base::Fd connect_to_port(int port) {
  Target target;
  target.host = "127.0.0.1";
  target.port = port;
  auto fd = connect(target, std::chrono::steady_clock::now() + 5s);
  must(fd.has_value());
  return *std::move(fd);
}

void send_bytes(const base::Fd& fd, std::string_view bytes) {
  const auto until = std::chrono::steady_clock::now() + 2s;
  while (!bytes.empty()) {
    const auto n = ::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno != EAGAIN || !*wait_ready(fd.get(), POLLOUT, until)) {
      return;
    }
  }
}

std::string receive_bytes(const base::Fd& fd, std::size_t size, base::Duration limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  std::string got;
  while (got.size() < size && *wait_ready(fd.get(), POLLIN, until)) {
    std::array<char, 65536> buffer{};
    const auto n = ::recv(fd.get(), buffer.data(), std::min(buffer.size(), size - got.size()), 0);
    if (n <= 0) {
      return got + "<closed>";
    }
    got.append(buffer.data(), static_cast<std::size_t>(n));
  }
  return got;
}

std::string h2_frame(unsigned type, unsigned flags, unsigned stream, std::string_view payload) {
  std::string out;
  for (const unsigned shift : {16U, 8U, 0U}) {
    out += static_cast<char>((payload.size() >> shift) & 0xffU);
  }
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  for (const unsigned shift : {24U, 16U, 8U, 0U}) {
    out += static_cast<char>((stream >> shift) & 0xffU);
  }
  return out + std::string(payload);
}

std::string h2_preface() {
  return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + h2_frame(NGHTTP2_SETTINGS, 0, 0, "");
}

std::string h2_headers(unsigned stream, unsigned flags, const HeaderList& headers) {
  std::string block;
  const auto add = [&block](const std::string& text) {
    must(text.size() < 127 + 128 * 128);
    if (text.size() < 127) {
      block += static_cast<char>(text.size());
    } else {
      block += static_cast<char>(127);
      const auto rest = text.size() - 127;
      block += static_cast<char>((rest & 0x7fU) | 0x80U);
      block += static_cast<char>(rest >> 7U);
    }
    block += text;
  };
  for (const auto& [name, value] : headers) {
    block += '\0';  // literal, not indexed, new name
    add(name);
    add(value);
  }
  return h2_frame(NGHTTP2_HEADERS, flags | NGHTTP2_FLAG_END_HEADERS, stream, block);
}

HeaderList grpc_headers(const std::string& path, const HeaderList& more) {
  HeaderList out = {{":method", "POST"}, {":scheme", "http"},
                    {":path", path},     {":authority", "localhost"},
                    {"te", "trailers"},  {"content-type", "application/grpc"}};
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

namespace {

struct Seen {
  unsigned stream = 0;
  std::string text;

  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                       std::uint8_t, void* arg) {
    auto& seen = *static_cast<Seen*>(arg);
    if (static_cast<unsigned>(frame->hd.stream_id) == seen.stream) {
      seen.text += std::string(text_of(name, name_size)) + "=" +
                   std::string(text_of(value, value_size)) + " ";
    }
    return 0;
  }
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* arg) {
    auto& seen = *static_cast<Seen*>(arg);
    if (static_cast<unsigned>(frame->hd.stream_id) == seen.stream &&
        frame->hd.type == NGHTTP2_RST_STREAM) {
      seen.text += "rst=" + std::to_string(frame->rst_stream.error_code) + " ";
    }
    return 0;
  }
};

}  // namespace

std::string receive_headers(const base::Fd& fd, unsigned stream, const std::string& text) {
  // A client session that knows enough streams, only to read what the server sends.
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session* made = nullptr;
  must(nghttp2_session_callbacks_new(&callbacks) == 0);
  const OwnedCallbacks owned(callbacks);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Seen::on_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Seen::on_frame);
  Seen seen{stream, {}};
  must(nghttp2_session_client_new(&made, callbacks, &seen) == 0);
  const OwnedSession session(made);
  const std::array<nghttp2_nv, 4> request = {nv(":method", "POST"), nv(":scheme", "http"),
                                             nv(":path", "/"), nv(":authority", "x")};
  for (int i = 0; i < 3; ++i) {  // so that it understands the answers to as many
    nghttp2_submit_settings(made, NGHTTP2_FLAG_NONE, nullptr, 0);
  }
  for (unsigned id = 1; id <= stream; id += 2) {
    nghttp2_submit_request(made, nullptr, request.data(), request.size(), nullptr, nullptr);
  }
  const std::uint8_t* unused = nullptr;
  while (nghttp2_session_mem_send(made, &unused) > 0) {
  }
  const auto until = std::chrono::steady_clock::now() + 10s;
  while (seen.text.find(text) == std::string::npos && std::chrono::steady_clock::now() < until) {
    const auto got = receive_bytes(fd, 1, 100ms);
    if (got.ends_with("<closed>")) {
      return seen.text + "<closed>";
    }
    must(nghttp2_session_mem_recv(made, bytes_of(got), got.size()) >= 0);
  }
  return seen.text;
}

}  // namespace vpccni::rpc
