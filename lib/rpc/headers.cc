#include "rpc/headers.h"

#include <algorithm>
#include <cstdint>

#include "base/text.h"

namespace vpccni::rpc {

namespace {

constexpr std::size_t kMessageLimit = 4096;
constexpr std::int64_t kTimeoutDigits = 99'999'999;  // eight digits
constexpr std::chrono::hours kYear(24 * 365);

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U;
}

base::Duration unit_of(char letter) {
  switch (letter) {
    case 'H':
      return std::chrono::hours(1);
    case 'M':
      return std::chrono::minutes(1);
    case 'S':
      return std::chrono::seconds(1);
    case 'm':
      return std::chrono::milliseconds(1);
    case 'u':
      return std::chrono::microseconds(1);
    case 'n':
      return std::chrono::nanoseconds(1);
    default:
      return base::Duration::zero();
  }
}

}  // namespace

bool is_grpc_content_type(std::string_view value) {
  if (!value.starts_with(kContentType)) {
    return false;
  }
  value.remove_prefix(kContentType.size());
  return value.empty() || value.front() == '+' || value.front() == ';';
}

std::string encode_message(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  std::size_t whole = 0;  // what ends with a whole character
  for (const char c : text) {
    if (!is_continuation(c)) {
      whole = out.size();
    }
    if (c >= ' ' && c <= '~' && c != '%') {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kHex[byte >> 4U];
      out += kHex[byte & 0xfU];
    }
    if (out.size() > kMessageLimit) {
      out.resize(whole);
      break;
    }
  }
  return out;
}

std::string decode_message(std::string_view value) {
  return base::percent_decode(value, false);
}

Code parse_code(std::string_view value) {
  const auto number = base::parse_integer<int>(value);
  const bool known = number && *number >= 0 && *number <= static_cast<int>(Code::unauthenticated);
  return known ? static_cast<Code>(*number) : Code::unknown;
}

Code code_of_http(int status) {
  switch (status) {
    case 400:
      return Code::internal;
    case 401:
      return Code::unauthenticated;
    case 403:
      return Code::permission_denied;
    case 404:
      return Code::unimplemented;
    case 429:
    case 502:
    case 503:
    case 504:
      return Code::unavailable;
    default:
      return Code::unknown;
  }
}

Result<base::Duration> parse_timeout(std::string_view value) {
  const Error bad{Errc::invalid_argument,
                  "grpc-timeout \"" + std::string(value.substr(0, 16)) + "\" is malformed"};
  if (value.size() < 2 || value.size() > 9) {
    return bad;
  }
  const base::Duration unit = unit_of(value.back());
  value.remove_suffix(1);
  const bool digits =
      std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (unit == base::Duration::zero() || !digits) {
    return bad;
  }
  VPCCNI_TRY(const auto count, base::parse_integer<std::int64_t>(value));
  return count > kYear / unit ? base::Duration(kYear) : count * unit;
}

std::string format_timeout(base::Duration timeout) {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(timeout).count();
  if (us <= kTimeoutDigits) {
    return std::to_string(std::max<std::int64_t>(us, 1)) + "u";
  }
  if (us / 1000 <= kTimeoutDigits) {
    return std::to_string(us / 1000) + "m";
  }
  return std::to_string(std::min<std::int64_t>(us / 1'000'000, kTimeoutDigits)) + "S";
}

}  // namespace vpccni::rpc
