#pragma once
// nghttp2's handles and views, for the .cc files of this folder. nghttp2 copies the headers that it
// is given, so that nv() may point at temporaries of the same expression.

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <string_view>

#include "base/owned.h"

namespace vpccni::rpc {

using OwnedSession = base::Owned<nghttp2_session, nghttp2_session_del>;
using OwnedCallbacks = base::Owned<nghttp2_session_callbacks, nghttp2_session_callbacks_del>;
using OwnedOption = base::Owned<nghttp2_option, nghttp2_option_del>;

inline const std::uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());  // NOLINT: the C API's type
}

inline std::string_view text_of(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};  // NOLINT: the C API's type
}

inline nghttp2_nv nv(std::string_view name, std::string_view value) {
  return {const_cast<std::uint8_t*>(bytes_of(name)),   // NOLINT: not written through
          const_cast<std::uint8_t*>(bytes_of(value)),  // NOLINT: not written through
          name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

inline bool ends_stream(const nghttp2_frame& frame) {
  return (frame.hd.type == NGHTTP2_HEADERS || frame.hd.type == NGHTTP2_DATA) &&
         (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
}

}  // namespace vpccni::rpc
