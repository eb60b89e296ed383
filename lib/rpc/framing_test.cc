#include "rpc/framing.h"

#include <algorithm>
#include <catch2/catch.hpp>

using vpccni::Errc;
using vpccni::rpc::frame;
using vpccni::rpc::MessageReader;
using namespace std::string_literals;

namespace {

std::string prefix(char flag, unsigned length) {
  std::string out(1, flag);
  for (const unsigned shift : {24U, 16U, 8U, 0U}) {
    out += static_cast<char>((length >> shift) & 0xffU);
  }
  return out;
}

}  // namespace

TEST_CASE("a frame is flag, length, message") {
  REQUIRE(frame("abc") == "\0\0\0\0\3abc"s);
  REQUIRE(frame("") == "\0\0\0\0\0"s);
  REQUIRE(frame(std::string(0x010203, 'x')).substr(0, 5) == "\0\0\1\2\3"s);
}

TEST_CASE("a message may come in pieces of any size") {
  const std::string message = "the message";
  const std::string wire = frame(message);
  for (std::size_t piece = 1; piece <= wire.size(); ++piece) {
    MessageReader reader(100);
    for (std::size_t at = 0; at < wire.size(); at += piece) {
      REQUIRE_FALSE(reader.complete());
      REQUIRE(reader.feed(std::string_view(wire).substr(at, piece)));
    }
    REQUIRE(reader.complete());
    REQUIRE(reader.take() == message);
    REQUIRE(reader.size() == 0);
  }
  MessageReader empty(0);
  REQUIRE(empty.feed(""));
  REQUIRE_FALSE(empty.complete());
  REQUIRE(empty.feed(frame("")));
  REQUIRE(empty.complete());
}

TEST_CASE("bad messages are refused by their kind") {
  REQUIRE(MessageReader(8).feed(prefix(0, 8)));
  REQUIRE(MessageReader(8).feed(prefix(0, 9)).error().code == Errc::exhausted);
  REQUIRE(MessageReader(8).feed(prefix(0, 0xffffffffU)).error().code == Errc::exhausted);
  REQUIRE(MessageReader(8).feed(prefix(1, 1)).error().code == Errc::unsupported);
  REQUIRE(MessageReader(8).feed(prefix(2, 1)).error().code == Errc::corrupt);
  REQUIRE(MessageReader(8).feed(frame("a") + "b").error().code == Errc::corrupt);
  REQUIRE(MessageReader(8).feed(frame("a") + frame("b")).error().code == Errc::corrupt);
}

TEST_CASE("an announced length takes no memory") {
  MessageReader reader(std::size_t{4} << 20U);
  REQUIRE(reader.feed(prefix(0, 4U << 20U)));
  REQUIRE(reader.size() == 0);
  REQUIRE_FALSE(reader.complete());
}
