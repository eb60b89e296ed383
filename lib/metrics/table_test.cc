// The table against the committed list of upstream's metrics, both ways.
#include "metrics/table.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <map>

#include "base/files.h"
#include "base/text.h"
#include "metrics/registry.h"

namespace vpccni::metrics {
namespace {

struct Wanted {
  std::string type;
  std::string labels;
  std::string buckets;
  bool from_start = false;
};

std::map<std::string, Wanted> upstream() {
  const auto here = std::filesystem::path(__FILE__).parent_path();
  const auto text = base::read_file((here / "../../tests/data/upstream-metrics.tsv").string());
  REQUIRE(text);
  std::map<std::string, Wanted> all;
  for (const auto line : base::split(*text, '\n')) {
    if (line.empty() || line.starts_with('#')) {
      continue;
    }
    const auto cells = base::split(line, '\t');
    REQUIRE(cells.size() == 5);
    all[std::string(cells[0])] = {std::string(cells[1]), std::string(cells[2]),
                                  std::string(cells[3]), cells[4] == "start"};
  }
  return all;
}

std::string type_of(Kind kind) {
  constexpr std::string_view kNames[] = {"counter", "gauge", "histogram", "summary"};
  return std::string(kNames[static_cast<std::size_t>(kind)]);
}

std::string labels_of(const Row& row) {
  std::vector<std::string> labels(row.labels.begin(),
                                  row.labels.begin() + static_cast<long>(row.label_count()));
  return labels.empty() ? "-" : base::join(labels, ",");
}

std::string buckets_of(const Row& row) {
  std::vector<std::string> bounds;
  for (const double bound : row.buckets) {
    std::array<char, 32> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), bound).ptr;
    bounds.emplace_back(text.data(), end);
  }
  return bounds.empty() ? "-" : base::join(bounds, ",");
}

}  // namespace

TEST_CASE("upstream's metrics are all there, as upstream has them, and no other of their names") {
  auto wanted = upstream();
  REQUIRE(wanted.size() > 30);
  for (const Row& row : kTable) {
    if (row.name.starts_with("vpccni_")) {
      continue;
    }
    INFO(row.name);
    const auto found = wanted.extract(std::string(row.name));
    REQUIRE_FALSE(found.empty());
    CHECK(type_of(row.kind) == found.mapped().type);
    CHECK(labels_of(row) == found.mapped().labels);
    CHECK(buckets_of(row) == found.mapped().buckets);
    if (row.label_count() == 0) {
      CHECK(found.mapped().from_start);
    }
  }
  for (const auto& [name, left] : wanted) {
    FAIL_CHECK(name << " is missing");
  }
}

}  // namespace vpccni::metrics
