#pragma once
// An API server in memory for the tests of ApiHttp: an http::Client that answers.

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/json.h"
#include "k8s/api_http.h"

namespace vpccni::k8s {

struct FixedClock final : base::Clock {
  base::Instant now() const override {
    return {base::SteadyTime{}, base::WallTime(std::chrono::microseconds(1765972800000042))};
  }
  bool wait_until(base::SteadyTime, std::stop_token) const override { return true; }
};

/// What the server holds and has been asked. Shared with the test, since the edge owns its client.
struct Cluster {
  int status = 200;
  std::string body;  // instead of what it holds
  std::optional<Error> failure;
  int pods = 3;
  int page = 2;          // pods on one page
  bool endless = false;  // every page names a next one
  std::size_t chunk = 7;
  std::string watch;  // what a watch says before it ends
  std::vector<http::Request> requests;
};

class FakeServer final : public http::Client {
 public:
  explicit FakeServer(Cluster& cluster) : cluster_(cluster) {}

  Result<http::Response> send(const http::Request& request, const std::stop_token&) override {
    cluster_.requests.push_back(request);
    if (cluster_.failure) {
      return *cluster_.failure;
    }
    if (cluster_.status != 200 || !cluster_.body.empty()) {
      return http::Response{cluster_.status, {}, cluster_.body};
    }
    const std::string path = request.url.substr(request.url.find('/', 8));
    if (path == "/version") {
      return http::Response{200, {}, R"({"major":"1","gitVersion":"v1.31.0"})"};
    }
    if (path == "/api/v1/nodes/node-1") {
      return http::Response{200, {}, R"({"metadata":{"name":"node-1"}})"};
    }
    if (path == "/api/v1/namespaces/team/pods/web") {
      return http::Response{200, {}, R"({"metadata":{"name":"web","namespace":"team"}})"};
    }
    if (path.find("&watch=true") != std::string::npos) {
      return http::Response{200, {}, cluster_.watch};
    }
    if (path.starts_with("/api/v1/pods?")) {
      return http::Response{200, {}, list(path)};
    }
    if (request.method == "POST") {
      return http::Response{201, {}, request.body};
    }
    if (request.method == "PATCH") {
      return http::Response{200, {}, "{}"};
    }
    return http::Response{404, {}, R"({"kind":"Status","message":"not there"})"};
  }
  /// In parts of `chunk` bytes, as a connection may cut them.
  Result<http::Response> stream(const http::Request& request, const http::Chunk& chunk,
                                const std::stop_token& stop) override {
    auto response = send(request, stop);
    if (!response || response->status != 200) {
      return response;
    }
    for (std::size_t at = 0; at < response->body.size(); at += cluster_.chunk) {
      if (!chunk(std::string_view(response->body).substr(at, cluster_.chunk))) {
        break;
      }
    }
    response->body.clear();
    return response;
  }

 private:
  std::string list(const std::string& path) const {
    const auto at = path.find("&continue=");
    const int from = at == std::string::npos ? 0 : std::stoi(path.substr(at + 10));
    std::string items;
    int n = from;
    for (; n < from + cluster_.page && (n < cluster_.pods || cluster_.endless); ++n) {
      items += (n > from ? "," : "");
      items += R"({"metadata":{"name":"pod-)" + std::to_string(n) + "\"}}";
    }
    const bool more = cluster_.endless || n < cluster_.pods;
    return R"({"metadata":{"resourceVersion":"77","continue":")" + (more ? std::to_string(n) : "") +
           R"("},"items":[)" + items + "]}";
  }

  Cluster& cluster_;
};

class TokenFile {
 public:
  explicit TokenFile(std::string_view text) {
    char name[] = "/tmp/api_http_test.XXXXXX";
    if (::mkdtemp(name) == nullptr) {
      std::abort();
    }
    directory_ = name;
    write(text);
  }
  ~TokenFile() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  void write(std::string_view text) const { std::ofstream(path(), std::ios::binary) << text; }
  std::string path() const { return directory_ / "token"; }

 private:
  std::filesystem::path directory_;
};

struct Site {
  explicit Site(const std::string& url = "https://10.100.0.1:443")
      : api(std::make_unique<FakeServer>(cluster), clock, {url, "", token.path(), "test"}) {}
  const http::Request& last() const { return cluster.requests.back(); }

  TokenFile token{"SECRET-TOKEN\n"};
  FixedClock clock;
  Cluster cluster;
  ApiHttp api;
};

inline std::string_view code_of(const auto& result) {
  return result ? std::string_view("success") : to_string(result.error().code);
}

inline bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace vpccni::k8s
