// The text form, against a strict reader of the format: what any scraper must be able to rely on.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <thread>

#include "base/text.h"
#include "metrics/registry.h"

namespace vpccni::metrics {

namespace {

using Labels = std::vector<std::pair<std::string, std::string>>;

struct Line {
  std::string name;
  Labels labels;
  double value = 0;
};

/// Reads one label value up to its closing quote, which is taken too.
std::string read_quoted(std::string_view& rest) {
  std::string out;
  while (!rest.empty() && rest.front() != '"') {
    char c = rest.front();
    rest.remove_prefix(1);
    if (c == '\\') {
      REQUIRE_FALSE(rest.empty());
      c = rest.front() == 'n' ? '\n' : rest.front();
      REQUIRE((c == '\n' || c == '\\' || c == '"'));
      rest.remove_prefix(1);
    }
    out += c;
  }
  REQUIRE_FALSE(rest.empty());
  rest.remove_prefix(1);
  return out;
}

Line read_line(std::string_view text) {
  Line line;
  const auto end = text.find_first_of("{ ");
  REQUIRE(end != std::string_view::npos);
  line.name = text.substr(0, end);
  text.remove_prefix(end);
  if (text.front() == '{') {
    do {
      text.remove_prefix(1);
      const auto equals = text.find("=\"");
      REQUIRE(equals != std::string_view::npos);
      std::string name(text.substr(0, equals));
      text.remove_prefix(equals + 2);
      line.labels.emplace_back(std::move(name), read_quoted(text));
    } while (text.front() == ',');
    REQUIRE(text.front() == '}');
    text.remove_prefix(1);
  }
  REQUIRE(text.front() == ' ');
  const std::string number(text.substr(1));
  char* rest = nullptr;
  line.value = std::strtod(number.c_str(), &rest);  // knows NaN, +Inf and -Inf
  REQUIRE(rest == number.c_str() + number.size());
  return line;
}

/// Every sample of a page. REQUIRE: HELP and TYPE before each metric, metrics in the order of their
/// names, no sample twice, all of it UTF-8.
std::vector<Line> read_page(const std::string& page) {
  REQUIRE(base::to_utf8(page) == page);
  REQUIRE(page.ends_with('\n'));
  std::vector<Line> lines;
  std::string metric;
  std::string previous;
  std::map<std::pair<std::string, Labels>, int> seen;
  for (const auto text : base::split(std::string_view(page).substr(0, page.size() - 1), '\n')) {
    if (text.starts_with("# HELP ")) {
      metric = base::words(text)[2];
      REQUIRE(previous < metric);
      previous = metric;
    } else if (text.starts_with("# TYPE ")) {
      REQUIRE(base::words(text)[2] == metric);
      REQUIRE(base::words(text).size() == 4);
    } else {
      lines.push_back(read_line(text));
      REQUIRE(lines.back().name.starts_with(metric));
      REQUIRE(seen[{lines.back().name, lines.back().labels}]++ == 0);
    }
  }
  return lines;
}

std::optional<double> find(const std::vector<Line>& lines, const std::string& name,
                           const Labels& labels) {
  for (const auto& line : lines) {
    if (line.name == name && line.labels == labels) {
      return line.value;
    }
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("a fresh registry's page is well formed") {
  CHECK(read_page(Registry().text()).size() > 50);
}

TEST_CASE("values that are no ordinary numbers") {
  Registry registry;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  registry.set<Metric::awscni_eni_max>(std::nan(""));
  registry.set<Metric::awscni_ip_max>(kInfinity);
  registry.set<Metric::awscni_eni_allocated>(-kInfinity);
  registry.set<Metric::awscni_total_ip_addresses>(-0.0);
  registry.set<Metric::awscni_assigned_ip_addresses>(0.1);
  registry.set<Metric::awscni_total_ipv4_prefixes>(281474976710656.0);             // a /80
  registry.set<Metric::process_virtual_memory_max_bytes>(18446744073709551615.0);  // no limit
  registry.add<Metric::awscni_force_removed_enis>(std::nan(""));
  const std::string page = registry.text();
  const auto lines = read_page(page);
  CHECK(std::isnan(*find(lines, "awscni_eni_max", {})));
  CHECK(*find(lines, "awscni_ip_max", {}) == kInfinity);
  CHECK(*find(lines, "awscni_eni_allocated", {}) == -kInfinity);
  CHECK(page.find("\nawscni_ip_max +Inf\n") != std::string::npos);
  CHECK(page.find("\nawscni_total_ip_addresses 0\n") != std::string::npos);
  CHECK(page.find("\nawscni_assigned_ip_addresses 0.1\n") != std::string::npos);
  CHECK(page.find("\nawscni_total_ipv4_prefixes 281474976710656\n") != std::string::npos);
  CHECK(*find(lines, "process_virtual_memory_max_bytes", {}) == 18446744073709551615.0);
  CHECK(*find(lines, "awscni_force_removed_enis", {}) == 0);  // a counter cannot take it
}

TEST_CASE("an observation that is no number is in no bucket but the last") {
  Registry registry;
  registry.observe<Metric::vpccni_ip_reuse_age_seconds>(std::nan(""));
  registry.observe<Metric::vpccni_ip_reuse_age_seconds>(std::numeric_limits<double>::infinity());
  const auto lines = read_page(registry.text());
  CHECK(find(lines, "vpccni_ip_reuse_age_seconds_bucket", {{"le", "14400"}}) == 0.0);
  CHECK(find(lines, "vpccni_ip_reuse_age_seconds_bucket", {{"le", "+Inf"}}) == 2.0);
}

TEST_CASE("label values of any bytes leave a page that can be read") {
  Registry registry;
  registry.add<Metric::awscni_del_ip_req_count>({"\xff\xfe"});
  registry.add<Metric::awscni_del_ip_req_count>({"\xfe\xff"});  // the same once replaced
  registry.add<Metric::awscni_del_ip_req_count>({"a\\b\"c\nd}"});
  registry.add<Metric::awscni_del_ip_req_count>({""});
  registry.add<Metric::awscni_del_ip_req_count>({std::string_view("nul\0", 4)});
  const auto lines = read_page(registry.text());
  const std::string name = "awscni_del_ip_req_count";
  CHECK(find(lines, name, {{"reason", "\xef\xbf\xbd\xef\xbf\xbd"}}) == 2.0);
  CHECK(find(lines, name, {{"reason", "a\\b\"c\nd}"}}) == 1.0);
  CHECK(find(lines, name, {{"reason", ""}}) == 1.0);
}

TEST_CASE("replacing a gauge's series leaves no other, and no more than the limit") {
  Registry registry;
  registry.set<Metric::vpccni_subnet_free_ips>(1, {"old"});
  registry.replace<Metric::vpccni_subnet_free_ips>({{{"b"}, 2}, {{"a"}, 1}});
  CHECK(registry.value<Metric::vpccni_subnet_free_ips>({"a"}) == 1.0);
  CHECK(registry.value<Metric::vpccni_subnet_free_ips>({"b"}) == 2.0);
  CHECK_FALSE(registry.value<Metric::vpccni_subnet_free_ips>({"old"}));
  std::vector<Sample<1>> many;
  for (std::size_t i = 0; i < kMaxSeries + 5; ++i) {
    many.push_back({{std::to_string(i)}, 1});
  }
  registry.replace<Metric::vpccni_subnet_free_ips>(many);
  CHECK(registry.value<Metric::vpccni_subnet_free_ips>({std::to_string(kMaxSeries - 1)}));
  CHECK_FALSE(registry.value<Metric::vpccni_subnet_free_ips>({std::to_string(kMaxSeries)}));
  registry.replace<Metric::vpccni_subnet_free_ips>({});
  CHECK(registry.text().find("vpccni_subnet_free_ips") == std::string::npos);
}

TEST_CASE("what a page says is what was counted, for any labels and values") {
  const unsigned seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const auto any_text = [&] {
    std::string text;
    for (auto n = random() % 6; n > 0; --n) {
      text += "ab\\\"\n{}=, \xc3\xa9\xff"[random() % 14];
    }
    return text;
  };
  Registry registry;
  std::map<std::string, double> counted;
  std::map<std::pair<std::string, std::string>, double> drift;
  for (int i = 0; i < 500; ++i) {
    const std::string fn = any_text();
    const double by = static_cast<double>(random() % 1000) / 8;
    registry.add<Metric::awscni_ipamd_error_count>({fn}, by);
    counted[base::to_utf8(fn)] += by;
    const std::string kind = any_text();
    const std::string side = any_text();
    const double value = static_cast<double>(random()) * 1e12 - 1e20;
    registry.set<Metric::vpccni_imds_ec2_drift>(value, {kind, side});
    drift[{base::to_utf8(kind), base::to_utf8(side)}] = value;
  }
  std::size_t found = 0;
  for (const auto& line : read_page(registry.text())) {
    if (line.name == "awscni_ipamd_error_count") {
      CHECK(line.value == counted.at(line.labels.at(0).second));
      ++found;
    } else if (line.name == "vpccni_imds_ec2_drift") {
      CHECK(line.labels.at(0).first == "kind");
      CHECK(line.value == drift.at({line.labels.at(0).second, line.labels.at(1).second}));
      ++found;
    }
  }
  CHECK(found == counted.size() + drift.size());
}

TEST_CASE("pages taken while threads count are whole and never go back") {
  constexpr int kTurns = 400;
  Registry registry;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&registry, t] {
      for (int i = 0; i < kTurns; ++i) {
        const std::string mine = std::to_string(t) + "-" + std::to_string(i % 50);
        registry.add<Metric::awscni_add_ip_req_count>();
        registry.observe<Metric::vpccni_add_seconds>(0.001 * i, {mine});
        registry.adjust<Metric::awscni_ipamd_action_inprogress>(i % 2 == 0 ? 1 : -1, {mine});
      }
    });
  }
  threads.emplace_back([&registry] {
    for (int i = 0; i < kTurns; ++i) {
      std::vector<Sample<1>> generation(3, {{""}, static_cast<double>(i)});
      for (std::size_t n = 0; n < generation.size(); ++n) {
        generation[n].labels[0] = std::to_string(i) + "-" + std::to_string(n);
      }
      registry.replace<Metric::awscni_assigned_ip_per_eni>(generation);
    }
  });
  double last = 0;
  for (int i = 0; i < 30; ++i) {
    const auto lines = read_page(registry.expose());
    const double now = *find(lines, "awscni_add_ip_req_count", {});
    CHECK(now >= last);
    last = now;
    std::vector<double> generation;
    for (const auto& line : lines) {
      if (line.name == "awscni_assigned_ip_per_eni") {
        generation.push_back(line.value);
      } else if (line.name == "vpccni_add_seconds_count") {
        Labels infinite = line.labels;
        infinite.emplace_back("le", "+Inf");
        CHECK(find(lines, "vpccni_add_seconds_bucket", infinite) == line.value);
      }
    }
    CHECK((generation.empty() || generation.size() == 3));
    CHECK(std::count(generation.begin(), generation.end(),
                     generation.empty() ? 0 : generation.front()) ==
          static_cast<long>(generation.size()));
  }
  threads.clear();
  CHECK(registry.value<Metric::awscni_add_ip_req_count>() == 2.0 * kTurns);
}

}  // namespace vpccni::metrics
