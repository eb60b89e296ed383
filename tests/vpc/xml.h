#pragma once
// EC2's answers as text: elements in the order in which they are added.

#include <string>
#include <string_view>

#include "base/clock.h"

namespace vpccni::vpc {

class Xml {
 public:
  Xml& open(std::string_view name);
  Xml& close(std::string_view name);
  Xml& add(std::string_view name, std::string_view text);
  Xml& add(std::string_view name, const char* text) { return add(name, std::string_view(text)); }
  Xml& add(std::string_view name, int value) { return add(name, std::to_string(value)); }
  Xml& add(std::string_view name, bool value) { return add(name, value ? "true" : "false"); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// 2025-12-17T12:00:00.000Z
std::string iso_time(base::WallTime time);

/// A whole success document; `body` is what stands beside requestId.
std::string response_document(std::string_view action, std::string_view request_id,
                              std::string_view body);
std::string error_document(std::string_view code, std::string_view message,
                           std::string_view request_id);

}  // namespace vpccni::vpc
