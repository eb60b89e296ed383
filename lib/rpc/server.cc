#include "rpc/server.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <unordered_map>
#include <vector>

#include "base/fd.h"
#include "event/listen.h"
#include "rpc/connection.h"

namespace vpccni::rpc {

namespace {

constexpr unsigned kSocketMode = 0660;
constexpr int kAcceptsPerTurn = 64;
constexpr std::chrono::milliseconds kAcceptPause(100);  // while descriptors or memory are short

}  // namespace

struct Server::Impl {
  struct Listener {
    base::Fd fd;
    event::Registration watch;
    event::Registration pause;
  };

  event::Loop& loop;
  std::shared_ptr<Service> service = std::make_shared<Service>();
  std::unordered_map<const Connection*, std::shared_ptr<Connection>> connections;
  std::vector<std::unique_ptr<Listener>> listeners;

  explicit Impl(event::Loop& on) : loop(on) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    for (const auto& [key, connection] : connections) {
      connection->shut_down();
    }
  }

  void add_listener(base::Fd fd) {
    listeners.push_back(std::make_unique<Listener>());
    listeners.back()->fd = std::move(fd);
    listen_on(*listeners.back());
  }

  void listen_on(Listener& listener) {
    listener.watch = loop.watch(listener.fd.get(), event::Ready::read,
                                [this, &listener](bool, bool) { accept_from(listener); });
  }

  void accept_from(Listener& listener) {
    for (int i = 0; i < kAcceptsPerTurn; ++i) {
      base::Fd fd(::accept4(listener.fd.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (fd.valid()) {
        add_connection(std::move(fd));
      } else if (errno == EAGAIN) {
        return;
      } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        listener.watch = {};
        listener.pause = loop.after(kAcceptPause, [this, &listener] { listen_on(listener); });
        return;
      }  // else this one is gone already (ECONNABORTED, EINTR, ...)
    }
  }

  void add_connection(base::Fd fd) {
    if (connections.size() >= service->limits.connections && !evict_idle()) {
      return;  // closed
    }
    const auto made = Connection::start(
        loop, std::move(fd), service, [this](const Connection* gone) { connections.erase(gone); });
    if (made->open()) {
      connections.emplace(made.get(), made);
    }
  }

  bool evict_idle() {
    const auto longest =
        std::min_element(connections.begin(), connections.end(), [](const auto& a, const auto& b) {
          return std::pair(!a.second->idle(), a.second->last_active()) <
                 std::pair(!b.second->idle(), b.second->last_active());
        });
    if (longest == connections.end() || !longest->second->idle()) {
      return false;
    }
    const auto connection = longest->second;
    connections.erase(longest);
    connection->shut_down();
    return true;
  }
};

Server::Server(event::Loop& loop, ServerLimits limits) : impl_(std::make_unique<Impl>(loop)) {
  impl_->service->limits = limits;
}

Server::~Server() = default;

void Server::handle(std::string path, Handler handler) {
  impl_->service->handlers.insert_or_assign(std::move(path),
                                            std::make_shared<const Handler>(std::move(handler)));
}

void Server::check_peers(PeerCheck check, std::set<std::string, std::less<>> paths) {
  impl_->service->peer_check = std::move(check);
  impl_->service->checked = std::move(paths);
}

Result<int> Server::listen_tcp(const std::string& address, int port) {
  VPCCNI_TRY(auto listener, event::listen_tcp(address, port));
  impl_->add_listener(std::move(listener.fd));
  return listener.port;
}

Result<> Server::listen_unix(const std::string& path) {
  VPCCNI_TRY(auto fd, event::listen_unix(path, kSocketMode, event::Occupied::refuse));
  impl_->add_listener(std::move(fd));
  return {};
}

}  // namespace vpccni::rpc
