#include "tests/vpc/xml.h"

#include <array>
#include <ctime>

namespace vpccni::vpc {

namespace {

constexpr std::string_view kHead = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        // XML 1.0 has no other control characters.
        out += static_cast<unsigned char>(c) >= 0x20 || c == '\t' || c == '\n' ? c : '?';
    }
  }
  return out;
}

}  // namespace

Xml& Xml::open(std::string_view name) {
  text_.append("<").append(name).append(">");
  return *this;
}

Xml& Xml::close(std::string_view name) {
  text_.append("</").append(name).append(">");
  return *this;
}

Xml& Xml::add(std::string_view name, std::string_view text) {
  if (text.empty()) {
    text_.append("<").append(name).append("/>");
    return *this;
  }
  open(name);
  text_ += escaped(text);
  return close(name);
}

std::string iso_time(base::WallTime time) {
  const auto ms = std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch().count();
  const std::time_t seconds = ms / 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 24> buffer{};
  const auto n = std::strftime(buffer.data(), buffer.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  const std::string millis = std::to_string(1000 + ms % 1000);
  return std::string(buffer.data(), n) + "." + millis.substr(1) + "Z";
}

std::string response_document(std::string_view action, std::string_view request_id,
                              std::string_view body) {
  std::string out(kHead);
  out.append("<").append(action).append(
      "Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">");
  out += Xml().add("requestId", request_id).text();
  out.append(body).append("</").append(action).append("Response>");
  return out;
}

std::string error_document(std::string_view code, std::string_view message,
                           std::string_view request_id) {
  Xml xml;
  xml.open("Response").open("Errors").open("Error").add("Code", code).add("Message", message);
  xml.close("Error").close("Errors").add("RequestID", request_id).close("Response");
  return std::string(kHead) + xml.text();
}

}  // namespace vpccni::vpc
