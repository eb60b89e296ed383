#include "base/text.h"

#include <catch2/catch.hpp>

#include "base/json.h"

namespace vpccni::base {

TEST_CASE("numbers and booleans follow Go's rules") {
  CHECK(*parse_integer<int>("42") == 42);
  CHECK(*parse_integer<int>("+7") == 7);
  CHECK(*parse_integer<int>("-7") == -7);
  for (const auto* bad : {"", " 1", "1 ", "+-1", "0x1", "1.0", "99999999999"}) {
    CHECK_FALSE(parse_integer<int>(bad));
  }
  CHECK(*parse_bool("T"));
  CHECK_FALSE(*parse_bool("False"));
  CHECK_FALSE(parse_bool("yes"));
  CHECK_FALSE(parse_bool(""));
}

TEST_CASE("quoting keeps JSON valid for any bytes") {
  CHECK(json_quote("a\"b\\\n\x01") == R"("a\"b\\\n\u0001")");
  CHECK(json_quote("\xc3\xa9") == "\"\xc3\xa9\"");
  CHECK(json_quote("\xff\xc0\xaf") == "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
  for (int byte = 0; byte < 256; ++byte) {
    CHECK(parse_json("[" + json_quote(std::string(3, static_cast<char>(byte))) + "]"));
  }
}

TEST_CASE("foreign bytes become UTF-8, and a cut leaves whole characters") {
  CHECK(to_utf8("Pod\xc3\xa9") == "Pod\xc3\xa9");
  CHECK(to_utf8("a\xff\xc3") == "a\xef\xbf\xbd\xef\xbf\xbd");
  CHECK(to_utf8("").empty());
  CHECK(utf8_prefix("abc", 3) == "abc");
  CHECK(utf8_prefix("abcd", 3) == "abc");
  CHECK(utf8_prefix("ab\xc3\xa9", 3) == "ab");
  CHECK(utf8_prefix("\xf0\x9f\x98\x80", 3).empty());
}

TEST_CASE("percent encoding, both ways") {
  CHECK(percent_encode("a/b:c d~") == "a%2Fb%3Ac%20d~");
  CHECK(percent_decode("a%2Fb+c%", true) == "a/b c%");
  CHECK(percent_decode("%4", false) == "%4");
  CHECK(percent_decode("%zz", false) == "%zz");
}

TEST_CASE("splitting") {
  CHECK(split("a,,b", ',').size() == 3);
  CHECK(split("", ',').size() == 1);
  CHECK(words("  a \t b\n").size() == 2);
  CHECK(trim(" x ") == "x");
  CHECK(trim("  ").empty());
}

TEST_CASE("JSON is bounded in size and depth") {
  CHECK_FALSE(parse_json(std::string(100, '['), {.bytes = 1000, .depth = 64}));
  CHECK_FALSE(parse_json("[1,2,3]", {.bytes = 3, .depth = 64}));
  CHECK_FALSE(parse_json("{} {}"));
  CHECK(parse_json_prefix("{} {}"));
  CHECK(*integer_member(*parse_json(R"({"a":5})"), "a") == 5);
  CHECK_FALSE(integer_member(*parse_json(R"({"a":18446744073709551615})"), "a"));
}

}  // namespace vpccni::base
