#pragma once
// An HTTP client for a look at a node: somebody waits for the answer.

#include <algorithm>
#include <memory>

#include "http/client.h"

namespace vpccni::sre {

/// No call takes longer than that, whoever makes it.
class Impatient final : public http::Client {
 public:
  Impatient(std::unique_ptr<http::Client> client, base::Duration patience)
      : client_(std::move(client)), patience_(patience) {}
  Result<http::Response> send(const http::Request& request, const std::stop_token& stop) override {
    http::Request shorter = request;
    shorter.timeout = std::min<base::Duration>(request.timeout, patience_);
    shorter.connect_timeout = std::min<base::Duration>(request.connect_timeout, patience_);
    return client_->send(shorter, stop);
  }
  Result<http::Response> stream(const http::Request& request, const http::Chunk& chunk,
                                const std::stop_token& stop) override {
    return client_->stream(request, chunk, stop);
  }

 private:
  std::unique_ptr<http::Client> client_;
  base::Duration patience_;
};

}  // namespace vpccni::sre
