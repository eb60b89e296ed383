// rpc_call TARGET PATH MILLISECONDS [COUNT]: one call (or COUNT on one connection) with stdin as
// the message. Prints "status N MESSAGE" to stderr and the reply's bytes to stdout; exit 0 with
// status OK, 3 with another status, 4 with "error CODE MESSAGE" when no gRPC answer came.

#include <iostream>
#include <iterator>

#include "base/text.h"
#include "rpc/client.h"

using namespace vpccni;

namespace {

int report(const Error& error) {
  std::cerr << "error " << to_string(error.code) << " " << error.message << "\n";
  return 4;
}

int report(const rpc::Reply& reply) {
  std::cerr << "status " << static_cast<int>(reply.status.code) << " " << reply.status.message
            << "\n";
  std::cout << reply.bytes << std::flush;
  return reply.status.code == rpc::Code::ok ? 0 : 3;
}

}  // namespace

int main(int argc, char** argv) {
  const auto limit = argc > 3 ? base::parse_integer<int>(argv[3]).value_or(0) : 0;
  const auto count = argc > 4 ? base::parse_integer<int>(argv[4]).value_or(0) : 1;
  if (argc < 4 || argc > 5 || limit <= 0 || count <= 0) {
    std::cerr << "usage: rpc_call TARGET PATH MILLISECONDS [COUNT]\n";
    return 2;
  }
  const std::string input(std::istreambuf_iterator<char>(std::cin), {});
  const rpc::CallOptions options{.deadline = std::chrono::milliseconds(limit),
                                 .user_agent = "rpc-call/1"};
  if (count == 1) {
    const auto reply = rpc::call(argv[1], argv[2], input, options);
    return reply ? report(*reply) : report(reply.error());
  }
  auto channel = rpc::Channel::open(argv[1], std::chrono::steady_clock::now() + options.deadline);
  if (!channel) {
    return report(channel.error());
  }
  int last = 0;
  for (int i = 0; i < count && last == 0; ++i) {
    const auto reply = channel->call(argv[2], input, options);
    last = reply ? report(*reply) : report(reply.error());
  }
  return last;
}
