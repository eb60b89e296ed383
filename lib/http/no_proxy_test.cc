// Which hosts are reached without the proxy, and that the client keeps to it.
#include "http/no_proxy.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <thread>

#include "base/fd.h"
#include "event/listen.h"
#include "http/client.h"

namespace vpccni::http {
namespace {

TEST_CASE("NO_PROXY: addresses, blocks, names") {
  const std::tuple<const char*, const char*, bool> rows[] = {
      {"https://10.100.0.1:443/api", "", false},
      {"https://10.100.0.1:443/api", " , ,", false},
      {"https://10.100.0.1:443/api", "*", true},
      {"https://10.100.0.1:443/api", "localhost, 10.100.0.1", true},
      {"https://10.100.0.1:443/api", "10.100.0.0/16", true},
      {"https://10.101.0.1:443/api", "10.100.0.0/16", false},
      {"https://10.100.0.1:443/api", "10.100.0.1:443", true},
      {"https://10.100.0.1/api", "10.100.0.1:443", true},
      {"https://10.100.0.1:6443/api", "10.100.0.1:443", false},
      {"https://10.100.0.1", "10.100.0.10", false},
      {"https://10.100.0.1", "10.100.0", false},
      {"https://10.100.0.1", "/", false},
      {"https://10.100.0.1", "10.100.0.0/40", false},
      {"https://[fd00::1]:443/", "fd00::/8", true},
      {"https://[fd00::1]:443/", "fd00::1", true},
      {"https://[fd00::1]:443/", "[fd00::1]:443", true},
      {"https://[fd00::1]/", "[fd00::1]:444", false},
      {"https://ABC.eks.amazonaws.com", "eks.amazonaws.com", true},
      {"https://abc.EKS.amazonaws.com", ".eks.amazonaws.com", true},
      {"https://eks.amazonaws.com", "eks.amazonaws.com", true},
      {"https://eks.amazonaws.com", ".eks.amazonaws.com", false},
      {"https://myeks.amazonaws.com", "eks.amazonaws.com", false},
      {"https://eks.amazonaws.com.evil", "eks.amazonaws.com", false},
      {"https://user@eks.amazonaws.com/x?y", "eks.amazonaws.com", true},
      {"http://eks.amazonaws.com", "eks.amazonaws.com:80", true},
      {"http://localhost:8080/", "", true},
      {"http://127.0.0.9/", "", true},
      {"http://[::1]:80/", "", true}};
  for (const auto& [url, list, direct] : rows) {
    INFO(url << " in " << list);
    CHECK(is_direct(url, list) == direct);
  }
}

/// A variable of this process, for a while.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    ::setenv(name, value.c_str(), 1);
  }
  ~Variable() { ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

/// What the first connection says to begin with; it is then closed.
class Proxy {
 public:
  Proxy() {
    auto listener = event::listen_tcp("127.0.0.1", 0);
    REQUIRE(listener);
    fd_ = std::move(listener->fd);
    url = "http://127.0.0.1:" + std::to_string(listener->port);
  }
  std::string first_words(const std::function<void()>& meanwhile) {
    std::string words(4096, '\0');
    std::jthread thread([&] {
      pollfd someone{fd_.get(), POLLIN, 0};  // the listener does not block
      ::poll(&someone, 1, -1);
      const base::Fd fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      const auto got = ::recv(fd.get(), words.data(), words.size(), 0);
      words.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    });
    meanwhile();
    ::shutdown(fd_.get(), SHUT_RDWR);  // ends a wait for nobody
    thread.join();
    return words;
  }
  std::string url;

 private:
  base::Fd fd_;
};

/// Nothing of this leaves the machine: what is not for the proxy is for loopback.
TEST_CASE("HTTPS goes through the proxy by CONNECT, unless it is to go direct") {
  const std::pair<const char*, bool> rows[] = {{"https://192.0.2.1:1/", true},
                                               {"https://127.0.0.1:1/", false}};
  for (const auto& [url, through] : rows) {
    Proxy proxy;
    const Variable https("HTTPS_PROXY", proxy.url);
    const Variable none("NO_PROXY", "192.0.2.9,198.51.100.0/24");
    const auto words = proxy.first_words([&url = url] {
      Request request;
      request.url = url;
      CHECK_FALSE(make_curl_client({.user_agent = "test"})->send(request));
    });
    INFO(url);
    CHECK(words.starts_with("CONNECT 192.0.2.1:1 ") == through);
  }
}

}  // namespace
}  // namespace vpccni::http
