#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>

#include "sre/archive.h"
#include "sre/redact.h"

namespace vpccni::sre {

TEST_CASE("secrets are taken out, and nothing else") {
  struct Row {
    std::string text;
    std::string expected;
  };
  const std::vector<Row> rows = {
      {"", ""},
      {"pod default/web has 10.0.0.4", "pod default/web has 10.0.0.4"},
      {"key AKIAIOSFODNN7EXAMPLE used", "key *** used"},
      {"AKIA", "AKIA"},
      {R"({"token":"abc","n":1})", R"({"token":"***","n":1})"},
      {"X-Amz-Security-Token: IQoJb3JpZ2luX2VjE\nnext", "X-Amz-Security-Token: ***\nnext"},
      {"Authorization: Bearer abc.def\nx", "Authorization: ***\nx"},
      {"AWS_SECRET_ACCESS_KEY=hush", "AWS_SECRET_ACCESS_KEY=***"},
      {"url?X-Amz-Signature=0123&a=b", "url?X-Amz-Signature=***&a=b"},
      {R"(msg \"password\": \"x y\" end)", R"(msg \"password\": \"***" end)"},
      {"the token is old", "the token is old"},
      {"jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig end", "jwt *** end"},
  };
  for (const auto& row : rows) {
    INFO(row.text);
    CHECK(redact(row.text) == row.expected);
  }
}

TEST_CASE("an archive is one that tar reads") {
  const auto bytes = make_archive({{"b/one.txt", "hello\n"}, {"b/two", std::string(1000, 'x')}},
                                  base::WallTime(std::chrono::seconds(1700000000)));
  REQUIRE(bytes);
  const std::string file = "sre_archive_test.tar.gz";
  std::ofstream(file, std::ios::binary) << *bytes;
  CHECK(std::system(("test \"$(tar -xzOf " + file + " b/one.txt)\" = hello").c_str()) == 0);
  CHECK(std::system(("test \"$(tar -xzOf " + file + " b/two | wc -c)\" = 1000").c_str()) == 0);
  CHECK(std::system(("test \"$(tar -tzf " + file + " | wc -l)\" = 2").c_str()) == 0);
  std::remove(file.c_str());
  CHECK_FALSE(make_archive({{"", "x"}}, base::WallTime()));
  CHECK_FALSE(make_archive({{std::string(100, 'n'), "x"}}, base::WallTime()));
}

}  // namespace vpccni::sre
