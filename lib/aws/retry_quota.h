#pragma once
// The retry quota of spec aws.md 5.1: a bucket per client that empties while a service is ill, so
// that retries stop making it worse. Thread-safe.

#include <algorithm>
#include <mutex>

namespace vpccni::aws {

class RetryQuota {
 public:
  /// Takes what a retry costs; 0 if the bucket has too little (then no retry).
  int take(bool after_timeout) {
    const std::lock_guard lock(mutex_);
    const int cost = after_timeout ? 10 : 5;
    if (left_ < cost) {
      return 0;
    }
    left_ -= cost;
    return cost;
  }
  /// A success: the cost of its retry back (0 for a first try), and one more.
  void give(int cost) {
    const std::lock_guard lock(mutex_);
    left_ = std::min(kSize, left_ + cost + 1);
  }

 private:
  static constexpr int kSize = 500;
  std::mutex mutex_;
  int left_ = kSize;  // guarded by mutex_
};

}  // namespace vpccni::aws
