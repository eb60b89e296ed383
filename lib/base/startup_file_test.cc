#include "base/startup_file.h"

#include <catch2/catch.hpp>

namespace vpccni::base {

namespace {

StartupFile example() {
  return {6, 14, "set up ENIs", "2025-01-01T00:00:00.000Z", 12345, "starting", "ec2", "no \"way\""};
}

}  // namespace

TEST_CASE("the start-up file's members and their order") {
  CHECK(format_startup(example()) ==
        R"({"step":6,"of":14,"name":"set up ENIs","since":"2025-01-01T00:00:00.000Z",)"
        R"("elapsed_ms":12345,"state":"starting","waiting":"ec2","error":"no \"way\""})"
        "\n");
  CHECK(parse_startup(format_startup(example())) == example());
}

TEST_CASE("what is no start-up file is none; wrong types are left out; texts are bounded") {
  for (const auto* bytes : {"", "{", "[]", "7", "{}", "\xff", R"({"of":1})"}) {
    CHECK_FALSE(parse_startup(bytes));
  }
  const auto odd = parse_startup(R"({"step":"x","of":[],"name":7,"elapsed_ms":1.5,"error":null})");
  REQUIRE(odd);
  CHECK(odd->step == 0);
  CHECK(odd->name.empty());
  const auto large = parse_startup(R"({"step":1,"error":")" + std::string(100000, 'e') + R"("})");
  CHECK(large->error.size() <= 1024);
}

TEST_CASE("the sentence says step, time, what is waited for and the last error") {
  auto file = example();
  CHECK(to_sentence(file) ==
        R"(6/14 "set up ENIs" for 12 s, waiting for ec2 (last error: no "way"))");
  file.waiting.clear();
  file.error.clear();
  CHECK(to_sentence(file) == R"(6/14 "set up ENIs" for 12 s)");
  file.state = "ready";
  CHECK(to_sentence(file) == "ready since 2025-01-01T00:00:00.000Z");
  file.state = "failed";
  file.error = "denied";
  CHECK(to_sentence(file) == R"(6/14 "set up ENIs" failed after 12 s: denied)");
}

}  // namespace vpccni::base
