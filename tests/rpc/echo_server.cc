// rpc_echo_server SOCKET: our server on a free TCP port (printed on stdout) and on SOCKET.
// AddNetwork repeats its bytes; DelNetwork answers after 20 ms; GetNetworkPolicyConfigs never does;
// Fail says NOT_FOUND. Ends with SIGTERM, or when stdin ends, so that it cannot outlive its test.

#include <unistd.h>

#include <array>
#include <csignal>
#include <iostream>
#include <vector>

#include "rpc/health.h"
#include "rpc/server.h"

using namespace vpccni;

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: rpc_echo_server SOCKET\n";
    return 2;
  }
  event::Loop loop;
  rpc::Server server(loop);
  std::vector<rpc::Done> kept;
  std::vector<event::Registration> later;
  server.handle("/rpc.CNIBackend/AddNetwork", [](std::string_view bytes, const rpc::Done& done) {
    done({}, std::string(bytes));
  });
  server.handle("/rpc.CNIBackend/DelNetwork", [&](std::string_view bytes, rpc::Done done) {
    later.push_back(
        loop.after(std::chrono::milliseconds(20),
                   [done = std::move(done), text = std::string(bytes)] { done({}, text); }));
  });
  server.handle("/rpc.ConfigServerBackend/GetNetworkPolicyConfigs",
                [&](std::string_view, rpc::Done done) { kept.push_back(std::move(done)); });
  server.handle("/rpc.CNIBackend/Fail", [](std::string_view, const rpc::Done& done) {
    done({rpc::Code::not_found, "1 error:\n\t* 100% unknown \xc3\xbc"}, {});
  });
  rpc::serve_health(server, [] { return true; });
  const auto port = server.listen_tcp("127.0.0.1", 0);
  const auto bound = server.listen_unix(argv[1]);
  if (!port || !bound) {
    std::cerr << (port ? bound.error().message : port.error().message) << "\n";
    return 1;
  }
  const auto stop = loop.on_signal(SIGTERM, [&loop] { loop.stop(); });
  const auto input = loop.watch(STDIN_FILENO, event::Ready::read, [&loop](bool, bool) {
    std::array<char, 64> buffer{};
    if (::read(STDIN_FILENO, buffer.data(), buffer.size()) <= 0) {
      loop.stop();
    }
  });
  std::cout << *port << std::endl;
  loop.run();
  return 0;
}
