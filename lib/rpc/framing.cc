#include "rpc/framing.h"

#include <algorithm>
#include <cstdint>

namespace vpccni::rpc {

std::string frame(std::string_view message) {
  std::string out;
  out.reserve(kPrefixSize + message.size());
  const auto length = static_cast<std::uint32_t>(message.size());
  out += '\0';
  for (const unsigned shift : {24U, 16U, 8U, 0U}) {
    out += static_cast<char>((length >> shift) & 0xffU);
  }
  out += message;
  return out;
}

Result<> MessageReader::judge_prefix() {
  for (std::size_t i = 1; i < kPrefixSize; ++i) {
    length_ = (length_ << 8U) | static_cast<unsigned char>(prefix_.at(i));
  }
  if (prefix_[0] == 1) {
    return Error{Errc::unsupported, "compressed messages are not supported"};
  }
  if (prefix_[0] != 0) {
    return Error{Errc::corrupt, "message prefix has an unknown flag"};
  }
  if (length_ > limit_) {
    return Error{Errc::exhausted, "message of " + std::to_string(length_) +
                                      " bytes is larger than " + std::to_string(limit_)};
  }
  return {};
}

Result<> MessageReader::feed(std::string_view bytes) {
  if (prefix_have_ < kPrefixSize) {
    const auto n = std::min(kPrefixSize - prefix_have_, bytes.size());
    std::copy_n(bytes.begin(), n, prefix_.begin() + static_cast<std::ptrdiff_t>(prefix_have_));
    prefix_have_ += n;
    bytes.remove_prefix(n);
    if (prefix_have_ < kPrefixSize) {
      return {};
    }
    VPCCNI_CHECK(judge_prefix());
  }
  if (bytes.size() > length_ - message_.size()) {
    return Error{Errc::corrupt, "a unary call has one message, more came"};
  }
  message_ += bytes;
  return {};
}

}  // namespace vpccni::rpc
