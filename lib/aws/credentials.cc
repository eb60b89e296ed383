#include "aws/credentials.h"

namespace vpccni::aws {

namespace {

constexpr auto kRefreshAhead = std::chrono::minutes(5);
constexpr auto kRefreshPause = std::chrono::seconds(30);

}  // namespace

Result<Credentials> CredentialCache::get() {
  const std::lock_guard lock(value_mutex_);
  const base::Instant now = clock_.now();
  const bool fresh = value_ && (!value_->expires || now.wall + kRefreshAhead < *value_->expires);
  const bool usable = value_ && (!value_->expires || now.wall < *value_->expires);
  if (fresh || (usable && now.steady < not_before_)) {
    return value_->keys;
  }
  auto fetched = source_->fetch();
  if (fetched) {
    value_ = *std::move(fetched);
    return value_->keys;
  }
  if (usable) {
    not_before_ = now.steady + kRefreshPause;
    return value_->keys;
  }
  Error error = wrap(std::move(fetched).error(), "AWS credentials");
  if (error.code == Errc::not_found) {
    error.code = Errc::denied;  // "no role" is about permission, not about a resource of EC2
  }
  return error;
}

void CredentialCache::drop() {
  const std::lock_guard lock(value_mutex_);
  value_.reset();
  not_before_ = {};
}

}  // namespace vpccni::aws
