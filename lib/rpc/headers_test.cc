#include "rpc/headers.h"

#include <catch2/catch.hpp>

#include "rpc/target.h"

namespace rpc = vpccni::rpc;
using rpc::Code;
using vpccni::Errc;
using namespace std::chrono_literals;

TEST_CASE("grpc-message is printable on the wire and comes back") {
  REQUIRE(rpc::encode_message("plain text, 1=1; ~") == "plain text, 1=1; ~");
  REQUIRE(rpc::encode_message("50%\n\xc3\xbc") == "50%25%0A%C3%BC");
  REQUIRE(rpc::decode_message("50%25%0A%C3%BC") == "50%\n\xc3\xbc");
  REQUIRE(rpc::decode_message("100%") == "100%");
  REQUIRE(rpc::decode_message("%zz+") == "%zz+");
  std::string all;
  for (int i = 0; i < 256; ++i) {
    all += static_cast<char>(i);
  }
  REQUIRE(rpc::decode_message(rpc::encode_message(all)) == all);
}

TEST_CASE("a long grpc-message is cut between characters") {
  REQUIRE(rpc::encode_message(std::string(10000, 'a')).size() == 4096);
  std::string umlauts;
  for (int i = 0; i < 3000; ++i) {
    umlauts += "\xc3\xbc";
  }
  const auto cut = rpc::encode_message(umlauts);
  REQUIRE(cut.size() <= 4096);
  REQUIRE(cut.size() > 4096 - 12);
  REQUIRE(cut.ends_with("%C3%BC"));
}

TEST_CASE("grpc-status") {
  REQUIRE(rpc::parse_code("0") == Code::ok);
  REQUIRE(rpc::parse_code("16") == Code::unauthenticated);
  for (const auto* bad : {"17", "-1", "", "x", "1 ", "99999999999999999999"}) {
    REQUIRE(rpc::parse_code(bad) == Code::unknown);
  }
  REQUIRE(rpc::to_string(Code::not_found) == "NOT_FOUND");
  REQUIRE(rpc::to_string(static_cast<Code>(99)) == "UNKNOWN");
  REQUIRE(rpc::code_of_http(404) == Code::unimplemented);
  REQUIRE(rpc::code_of_http(503) == Code::unavailable);
  REQUIRE(rpc::code_of_http(415) == Code::unknown);
}

TEST_CASE("content types") {
  REQUIRE(rpc::is_grpc_content_type("application/grpc"));
  REQUIRE(rpc::is_grpc_content_type("application/grpc+proto"));
  REQUIRE(rpc::is_grpc_content_type("application/grpc; charset=x"));
  REQUIRE_FALSE(rpc::is_grpc_content_type("application/grpc-web"));
  REQUIRE_FALSE(rpc::is_grpc_content_type("application/json"));
  REQUIRE_FALSE(rpc::is_grpc_content_type(""));
}

TEST_CASE("grpc-timeout") {
  REQUIRE(*rpc::parse_timeout("1S") == 1s);
  REQUIRE(*rpc::parse_timeout("250m") == 250ms);
  REQUIRE(*rpc::parse_timeout("99999999n") == 99999999ns);
  REQUIRE(*rpc::parse_timeout("7u") == 7us);
  REQUIRE(*rpc::parse_timeout("2M") == 2min);
  REQUIRE(*rpc::parse_timeout("0S") == 0s);
  REQUIRE(*rpc::parse_timeout("99999999H") == std::chrono::hours(24 * 365));
  for (const auto* bad : {"", "S", "1", "1x", "123456789S", "-1S", "+1S", " 1S", "1.5S", "1SS"}) {
    REQUIRE(rpc::parse_timeout(bad).error().code == Errc::invalid_argument);
  }
  REQUIRE(rpc::format_timeout(1s) == "1000000u");
  REQUIRE(rpc::format_timeout(0s) == "1u");
  REQUIRE(rpc::format_timeout(-5s) == "1u");
  for (const vpccni::base::Duration each :
       {vpccni::base::Duration(30s), vpccni::base::Duration(99s), vpccni::base::Duration(10h),
        vpccni::base::Duration(72h)}) {
    REQUIRE(*rpc::parse_timeout(rpc::format_timeout(each)) == each);
  }
}

TEST_CASE("targets") {
  using Kind = rpc::Target::Kind;
  const auto tcp = rpc::parse_target("127.0.0.1:50051");
  REQUIRE(tcp);
  REQUIRE(tcp->kind == Kind::tcp);
  REQUIRE(tcp->authority() == "127.0.0.1:50051");
  REQUIRE(rpc::parse_target(":50051")->authority() == "localhost:50051");
  REQUIRE(rpc::parse_target("localhost:1")->host == "localhost");
  REQUIRE(rpc::parse_target("[::1]:65535")->authority() == "[::1]:65535");
  for (const auto* each : {"unix:/a/b", "unix:///a/b", "/a/b"}) {
    const auto path = rpc::parse_target(each);
    REQUIRE(path);
    REQUIRE(path->kind == Kind::unix_socket);
    REQUIRE(path->path == "/a/b");
    REQUIRE(path->authority() == "localhost");
  }
  REQUIRE(rpc::parse_target("unix:relative")->path == "relative");
  for (const std::string bad :
       {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:-1",
        "127.0.0.1:+1", "127.0.0.1: 1", "host.example:1", "::1:1", "[::1:1", "1.2.3:1",
        "unix:", "unix://host/path", "http://127.0.0.1:1"}) {
    CAPTURE(bad);
    REQUIRE(rpc::parse_target(bad).error().code == Errc::invalid_argument);
  }
  REQUIRE_FALSE(rpc::parse_target("/" + std::string(200, 'x')));
  REQUIRE_FALSE(rpc::parse_target(std::string_view("unix:/a\0b", 9)));
}
