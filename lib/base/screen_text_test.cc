#include "base/screen_text.h"

#include <catch2/catch.hpp>

namespace vpccni::base {
namespace {

using Rows = std::vector<std::vector<std::string>>;

TEST_CASE("a character is one column, however many bytes it has") {
  CHECK(columns_of("") == 0);
  CHECK(columns_of("eni-1") == 5);
  CHECK(columns_of("Zürich…") == 7);
}

TEST_CASE("cut keeps what fits, and says by … that there was more") {
  CHECK(cut("0123456789", 0) == "0123456789");
  CHECK(cut("0123456789", 10) == "0123456789");
  CHECK(cut("0123456789", 9) == "01234567…");
  CHECK(cut("Zürich", 3) == "Zü…");
  CHECK(cut("Zürich", 1) == "…");
}

TEST_CASE("wrap breaks at spaces, and within a word that is longer than a line") {
  CHECK(wrap("", 10) == std::vector<std::string>{""});
  CHECK(wrap("one two three", 0) == std::vector<std::string>{"one two three"});
  CHECK(wrap("one two three", 7) == std::vector<std::string>{"one two", "three"});
  CHECK(wrap("one two three", 8) == std::vector<std::string>{"one two", "three"});
  CHECK(wrap("a 0123456789", 5) == std::vector<std::string>{"a", "01234", "56789"});
  CHECK(wrap(" leading", 4) == std::vector<std::string>{" lea", "ding"});
}

TEST_CASE("columns are as wide as their widest cell; without a width nothing is cut") {
  const Rows rows = {{"POD", "DETAIL"}, {"default/web", std::string(200, 'x')}, {"a", "b"}};
  CHECK(lay_out(rows, 0) ==
        "POD          DETAIL\ndefault/web  " + std::string(200, 'x') + "\na            b\n");
}

TEST_CASE("prose at the end is wrapped beside the rest, or below it if there is no room") {
  const Rows rows = {{"ENI", "BECAUSE"}, {"eni-1", "nobody has it and it is older than an hour"}};
  CHECK(lay_out(rows, 40) ==
        "ENI    BECAUSE\n"
        "eni-1  nobody has it and it is older\n"
        "       than an hour\n");
  CHECK(lay_out(rows, 28) ==
        "ENI\n"
        "    BECAUSE\n"
        "eni-1\n"
        "    nobody has it and it is\n"
        "    older than an hour\n");
}

TEST_CASE("names are whole: what has no room beside the rest goes on the next line") {
  const Rows rows = {{"ENI", "SUBNET", "PODS"}, {"eni-0123456789", "subnet-0123456789", "3"}};
  CHECK(lay_out(rows, 34) ==
        "ENI             SUBNET\n"
        "    PODS\n"
        "eni-0123456789  subnet-0123456789\n"
        "    3\n");
  CHECK(lay_out({{"A", "B"}, {"0123456789", "x"}}, 6) == "A\n    B\n01234…\n    x\n");
}

TEST_CASE("no line is wider than the screen, and no word is lost") {
  const Rows rows = {
      {"TIME", "POD", "REASON", "FREE", "DETAIL"},
      {"2026-01-01T00:00:00", "kube-system/coredns-7c9f8b6d4-x2x9k", "ENI_LIMIT", "0",
       "3/3 used on 1/1 ENIs; the instance type has no more room for what is asked"}};
  for (std::size_t width = 40; width <= 200; ++width) {
    const auto text = lay_out(rows, width);
    std::size_t begin = 0;
    for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
      CHECK(columns_of(std::string_view(text).substr(begin, end - begin)) <= width);
      begin = end + 1;
    }
    for (const char* word : {"coredns-7c9f8b6d4-x2x9k", "ENI_LIMIT", "instance", "asked"}) {
      CHECK(text.find(word) != std::string::npos);
    }
  }
}

TEST_CASE("cells cannot move the cursor") {
  CHECK(lay_out({{"a\033[2Jb\n", "c"}}, 0) == "a?[2Jb?  c\n");
}

TEST_CASE("rows may be short, or none") {
  CHECK(lay_out({}, 80).empty());
  CHECK(lay_out({{"A", "B"}, {"only"}}, 80) == "A     B\nonly\n");
}

}  // namespace
}  // namespace vpccni::base
