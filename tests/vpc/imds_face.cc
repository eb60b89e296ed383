#include "tests/vpc/imds_face.h"

#include <array>
#include <ctime>

#include "base/text.h"

namespace vpccni::vpc {

namespace {

constexpr auto kTtlHeader = "x-aws-ec2-metadata-token-ttl-seconds";
constexpr auto kTokenHeader = "x-aws-ec2-metadata-token";
constexpr std::string_view kTokenPath = "/latest/api/token";
constexpr int kLongestTtl = 21600;
constexpr std::size_t kMostTokens = 1000;
constexpr std::size_t kMostUnanswered = 1000;
constexpr http::ServerOptions kOptions{.body_limit = 4096, .timeout = std::chrono::seconds(75)};

/// Errors are HTML pages, as the real service's.
http::ServerReply refuse(int status, std::string_view title) {
  const std::string text = std::to_string(status) + " - " + std::string(title);
  return {.status = status,
          .content_type = "text/html",
          .body = "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>\n<html><head><title>" + text +
                  "</title></head><body><h1>" + text + "</h1></body></html>\n",
          .headers = {{"Server", "EC2ws"}}};
}

/// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110).
std::string http_date(base::WallTime at) {
  const auto seconds = std::chrono::system_clock::to_time_t(at);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 40> text{};
  return {text.data(),
          std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

}  // namespace

ImdsFace::ImdsFace(event::Loop& loop, Model& model, const base::Clock& clock,
                   net::InstanceId instance, ImdsFaceOptions options)
    : model_(model),
      clock_(clock),
      instance_(std::move(instance)),
      options_(std::move(options)),
      delays_(loop),
      server_(
          loop,
          [this](const http::ServerRequest& request, std::shared_ptr<http::Responder> to) {
            handle(request, std::move(to));
          },
          kOptions) {}

Result<int> ImdsFace::listen(const std::string& address, int port) {
  return server_.listen_tcp(address, port);
}

void ImdsFace::release_unanswered() {
  for (auto& responder : std::exchange(unanswered_, {})) {
    responder->drop();
  }
}

void ImdsFace::handle(const http::ServerRequest& request, std::shared_ptr<http::Responder> to) {
  ++requests_;
  const auto now = clock_.now();
  auto& faults = model_.imds_faults(instance_);
  if (faults.down) {
    to->drop();
    return;
  }
  if (faults.black_hole) {
    unanswered_.push_back(std::move(to));
    if (unanswered_.size() > kMostUnanswered) {
      unanswered_.front()->drop();
      unanswered_.pop_front();
    }
    return;
  }
  http::ServerReply reply;
  if (faults.unavailable > 0) {
    --faults.unavailable;
    reply = refuse(503, "Service Unavailable");
  } else {
    model_.advance(now);
    reply = answer(request, now);
  }
  if (faults.clock_behind > base::Duration{}) {
    reply.headers.emplace_back("Date", http_date(now.wall - faults.clock_behind));
  }
  delays_.run(faults.delay, [reply = std::move(reply), to = std::move(to)] { to->reply(reply); });
}

bool ImdsFace::has_token(const http::ServerRequest& request, base::Instant now) const {
  const auto token = http::header(request.headers, kTokenHeader);
  if (token.empty()) {
    return options_.allow_v1;
  }
  const auto it = tokens_.find(token);
  return it != tokens_.end() && now.steady < it->second;
}

http::ServerReply ImdsFace::give_token(const http::ServerRequest& request, base::Instant now) {
  if (!http::header(request.headers, "x-forwarded-for").empty() ||
      model_.imds_faults(instance_).tokens_refused) {
    return refuse(403, "Forbidden");
  }
  const auto ttl = base::parse_integer<int>(http::header(request.headers, kTtlHeader));
  if (!ttl || *ttl < 1 || *ttl > kLongestTtl) {
    return refuse(400, "Bad Request");
  }
  if (tokens_.size() >= kMostTokens) {
    std::erase_if(tokens_, [&](const auto& token) { return token.second <= now.steady; });
  }
  if (tokens_.size() >= kMostTokens) {
    tokens_.erase(tokens_.begin());
  }
  const std::string token =
      "AQAEA" + base::hex(to_string(instance_) + "/" + std::to_string(++given_)) + "==";
  tokens_[token] = now.steady + std::chrono::seconds(*ttl);
  return {.content_type = "text/plain",
          .body = token,
          .headers = {{kTtlHeader, std::to_string(*ttl)}, {"Server", "EC2ws"}}};
}

http::ServerReply ImdsFace::answer(const http::ServerRequest& request, base::Instant now) {
  if (request.path == kTokenPath) {
    return request.method == "PUT" ? give_token(request, now) : refuse(405, "Method Not Allowed");
  }
  if (request.method != "GET" && request.method != "HEAD") {
    return refuse(405, "Method Not Allowed");
  }
  if (!has_token(request, now)) {
    return refuse(401, "Unauthorized");
  }
  constexpr std::string_view kLatest = "/latest";
  const std::string_view path = request.path;
  if (path == "/") {
    return {.content_type = "text/plain", .body = "latest"};
  }
  if (!path.starts_with(kLatest) || (path.size() > kLatest.size() && path[kLatest.size()] != '/')) {
    return refuse(404, "Not Found");
  }
  auto key = path.substr(kLatest.size());
  while (key.starts_with('/')) {
    key.remove_prefix(1);
  }
  const auto bare = key.substr(0, key.find_last_not_of('/') + 1);
  const auto& missing = model_.imds_faults(instance_).missing;
  const auto tree = imds_tree(model_, instance_, options_.tree, now);
  const auto document =
      missing.contains(std::string(bare)) ? std::nullopt : find_document(tree, key);
  if (!document) {
    return refuse(404, "Not Found");
  }
  return {.content_type = "text/plain", .body = *document, .headers = {{"Server", "EC2ws"}}};
}

}  // namespace vpccni::vpc
