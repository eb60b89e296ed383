#pragma once
// gRPC's length-prefixed messages: one flag byte (compressed), four bytes of length (big endian),
// the message. Pure; input is hostile and comes in pieces of any size.

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace vpccni::rpc {

inline constexpr std::size_t kPrefixSize = 5;
/// gRPC's customary limit of one message.
inline constexpr std::size_t kMessageLimit = std::size_t{4} << 20U;

/// The message with its prefix, uncompressed.
std::string frame(std::string_view message);

/// Collects the one message of a unary call. Memory grows with what came, not with what was
/// announced. After an error it must not be fed again.
class MessageReader {
 public:
  explicit MessageReader(std::size_t limit) : limit_(limit) {}

  /// Errors: `exhausted` (longer than the limit), `unsupported` (compressed), `corrupt` (flag byte
  /// unknown, or bytes after the message).
  Result<> feed(std::string_view bytes);

  bool complete() const { return prefix_have_ == kPrefixSize && message_.size() == length_; }
  std::size_t size() const { return message_.size(); }  // bytes held
  /// The message, once complete. The reader holds nothing afterwards.
  std::string take() { return std::exchange(message_, {}); }

 private:
  Result<> judge_prefix();

  std::size_t limit_;
  std::array<char, kPrefixSize> prefix_{};
  std::size_t prefix_have_ = 0;
  std::size_t length_ = 0;
  std::string message_;
};

}  // namespace vpccni::rpc
