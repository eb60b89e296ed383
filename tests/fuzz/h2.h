#pragma once
// HTTP/2 frames from fuzzed bytes: the lengths are always right, so that mutations reach what is
// behind the framing.

#include <array>
#include <string>
#include <string_view>

#include "rpc/framing.h"
#include "tests/fuzz/fuzz.h"

namespace vpccni::fuzz {

inline std::string h2_frame(unsigned type, unsigned flags, unsigned stream,
                            std::string_view payload) {
  std::string out;
  for (const std::size_t byte :
       {payload.size() >> 16U, payload.size() >> 8U, payload.size(), std::size_t{type},
        std::size_t{flags}, std::size_t{stream >> 24U}, std::size_t{stream >> 16U},
        std::size_t{stream >> 8U}, std::size_t{stream}}) {
    out += static_cast<char>(byte & 0xffU);
  }
  return out += payload;
}

/// A literal header field without indexing, in HPACK.
inline std::string hpack_literal(std::string_view name, std::string_view value) {
  std::string out(1, '\0');
  for (const auto text : {name.substr(0, 126), value.substr(0, 126)}) {
    out += static_cast<char>(text.size());
    out += text;
  }
  return out;
}

/// One line is one frame: its type, flags, stream and payload. Type 'h' is HEADERS with
/// name=value fields between ';', 'm' is DATA with a framed message, 'd' is DATA, a digit is a type
/// of its own. "hE1:method=POST;..." : the letter behind the type is 'A' + flags.
inline std::string h2_frames(std::string_view script) {
  std::string out;
  while (!script.empty()) {
    std::string_view line = take_until(script, "\n");
    if (line.size() < 3) {
      continue;
    }
    const char type = line[0];
    const auto flags = static_cast<unsigned>(static_cast<unsigned char>(line[1]) - 'A');
    const auto stream = static_cast<unsigned>(static_cast<unsigned char>(line[2]) - '0');
    line.remove_prefix(3);
    if (type == 'h') {
      std::string block;
      while (!line.empty()) {
        std::string_view field = take_until(line, ";");
        // The name may begin with the colon of a pseudo header.
        const auto at = field.find('=');
        const auto name = field.substr(0, at);
        block += hpack_literal(
            name, at == std::string_view::npos ? std::string_view() : field.substr(at + 1));
      }
      out += h2_frame(1, flags, stream, block);
    } else if (type == 'm') {
      out += h2_frame(0, flags, stream, rpc::frame(line));
    } else if (type == 'd') {
      out += h2_frame(0, flags, stream, line);
    } else {
      out += h2_frame(static_cast<unsigned char>(type) & 0xfU, flags, stream, line);
    }
  }
  return out;
}

}  // namespace vpccni::fuzz
