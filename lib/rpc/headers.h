#pragma once
// The values of gRPC's own HTTP/2 headers, both ways. Pure; input is hostile.

#include <cstddef>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "rpc/status.h"

namespace vpccni::rpc {

inline constexpr std::string_view kContentType = "application/grpc";
/// Names and values of one header list, each with 32 bytes of overhead (RFC 9113 6.5.2).
inline constexpr std::size_t kHeaderListLimit = 16384;

/// What one header adds to its list's size.
constexpr std::size_t header_size(std::string_view name, std::string_view value) {
  return name.size() + value.size() + 32;
}

/// application/grpc, with or without "+proto" or parameters.
bool is_grpc_content_type(std::string_view value);

/// grpc-message: printable ASCII but '%' stays, all else is %XX; at most 4096 bytes come out, cut
/// between characters. Decoding leaves malformed escapes as they are.
std::string encode_message(std::string_view text);
std::string decode_message(std::string_view value);

/// grpc-status: a number that is no code of gRPC, or no number, is unknown.
Code parse_code(std::string_view value);

/// What a reply without grpc-status means, by its HTTP status.
Code code_of_http(int status);

/// grpc-timeout: one to eight digits and a unit of "HMSmun". Longer than a year reads as a year; at
/// least a microsecond is written.
Result<base::Duration> parse_timeout(std::string_view value);
std::string format_timeout(base::Duration timeout);

}  // namespace vpccni::rpc
