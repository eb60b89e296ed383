// A server that the plugin or the probe asks: what it answers to one call, then closes. '0' in
// front: the bytes as they are. '1': frames as tests/fuzz/h2.h has them, behind SETTINGS. '2': the
// probe's flags, one per line.

#include <sys/socket.h>
#include <unistd.h>

#include "event/listen.h"
#include "rpc/client.h"
#include "tests/fuzz/h2.h"

// The command's own source: its parser of flags is private to it.
#include "cmd/probe.cc"  // NOLINT(bugprone-suspicious-include)

namespace vpccni {
namespace {

using fuzz::require;
using namespace std::chrono_literals;

/// One listener for the whole run, in a directory of its own that goes when the process ends.
class Listener {
 public:
  Listener() {
    char name[] = "/tmp/fuzz-rpc-client.XXXXXX";
    require(::mkdtemp(name) != nullptr, "a directory");
    directory_ = name;
    auto made = event::listen_unix(path(), 0600, event::Occupied::replace);
    require(made.has_value(), "a listener");
    fd_ = *std::move(made);
  }
  ~Listener() {
    (void)::unlink(path().c_str());
    (void)::rmdir(directory_.c_str());
  }
  std::string path() const { return directory_ + "/s"; }
  base::Fd accept() const { return base::Fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC)); }

 private:
  std::string directory_;
  base::Fd fd_;
};

void check_call(std::string_view answer) {
  static const Listener listener;
  auto channel =
      rpc::Channel::open("unix:" + listener.path(), std::chrono::steady_clock::now() + 5s);
  require(channel.has_value(), "a connection");
  const base::Fd peer = listener.accept();
  (void)::send(peer.get(), answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  (void)::shutdown(peer.get(), SHUT_WR);
  const auto reply = channel->call("/t/Echo", "bytes", {.deadline = 2s, .reply_limit = 4096});
  if (reply) {
    require(reply->bytes.size() <= 4096, "a reply is bounded");
    require(reply->status.code == rpc::Code::ok || reply->bytes.empty(), "bytes or an error");
  } else {
    require(reply.error().code != Errc::timeout, "the end of the bytes is the end of the wait");
  }
}

void check_flags(std::string_view input) {
  std::vector<std::string> args;
  while (!input.empty()) {
    args.emplace_back(fuzz::take_until(input, "\n"));
  }
  const auto options = cmd::parse_options(args);
  if (!options) {
    require(!options.error().message.empty(), "a refusal says why");
    return;
  }
  for (const auto duration : {options->connect_timeout, options->rpc_timeout}) {
    const auto again = cmd::parse_duration(cmd::to_text(duration));
    // Through floating point: exact up to 2^53 ns.
    require(again && std::abs((*again - duration).count()) <= 2048,
            "a printed duration reads the same");
  }
  require(options->headers.size() <= 64, "headers are bounded");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  switch (fuzz::take_choice(input, 3)) {
    case 0:
      check_call(input);
      break;
    case 1:
      check_call(fuzz::h2_frame(4, 0, 0, {}) + fuzz::h2_frames(input));
      break;
    default:
      check_flags(input);
  }
  return 0;
}

}  // namespace vpccni
