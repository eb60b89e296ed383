#include "metrics/registry.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/text.h"
#include "metrics/process.h"

namespace vpccni::metrics {

namespace {

/// Whole numbers in full, all else in the shortest form that reads back the same.
std::string number(double value) {
  if (std::isnan(value)) {
    return "NaN";
  }
  if (std::isinf(value)) {
    return value > 0 ? "+Inf" : "-Inf";
  }
  constexpr double kWhole = 9007199254740992.0;  // 2^53
  if (std::trunc(value) == value && std::fabs(value) < kWhole) {
    return std::to_string(static_cast<std::int64_t>(value));
  }
  std::array<char, 32> text{};
  const auto [end, ec] = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), ec == std::errc{} ? end : text.data()};
}

void append_escaped(std::string& out, std::string_view label) {
  for (const char c : label) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') {
      out += '\\';
    }
    out += c;
  }
}

/// {a="x",b="y"} with `extra` as the last label, when it is not empty.
template <class Labels>
std::string braces(const Row& row, const Labels& labels, std::string_view extra) {
  std::string out;
  for (std::size_t i = 0; i < row.label_count(); ++i) {
    out += out.empty() ? "{" : ",";
    out += row.labels[i];
    out += "=\"";
    append_escaped(out, labels[i]);
    out += '"';
  }
  if (!extra.empty()) {
    out += out.empty() ? "{" : ",";
    out += extra;
  }
  return out.empty() ? out : out + "}";
}

void append_line(std::string& out, std::string_view name, std::string_view suffix,
                 std::string_view labels, const std::string& value) {
  out += name;
  out += suffix;
  out += labels;
  out += ' ';
  out += value;
  out += '\n';
}

std::string_view type_name(Kind kind) {
  switch (kind) {
    case Kind::counter:
      return "counter";
    case Kind::gauge:
      return "gauge";
    case Kind::histogram:
      return "histogram";
    case Kind::summary:
      return "summary";
  }
  return "untyped";
}

std::array<std::size_t, kMetricCount> order_by_name() {
  std::array<std::size_t, kMetricCount> order{};
  for (std::size_t i = 0; i < kMetricCount; ++i) {
    order[i] = i;
  }
  std::sort(order.begin(), order.end(),
            [](std::size_t a, std::size_t b) { return kTable[a].name < kTable[b].name; });
  return order;
}

}  // namespace

Registry::Registry() {
  for (const Row& each : kTable) {
    if (each.label_count() == 0) {
      find_or_create(family(each.id), each, {});
    }
  }
  add<Metric::awscni_connmark_reconcile_total>({"success"}, 0);  // upstream makes both in advance
  add<Metric::awscni_connmark_reconcile_total>({"error"}, 0);
  for (const std::string_view code : {"200", "500", "503"}) {
    add<Metric::promhttp_metric_handler_requests_total>({code}, 0);
  }
}

Registry::Series* Registry::find_or_create(Family& family, const Row& row, const View& labels) {
  if (const auto found = family.series.find(labels); found != family.series.end()) {
    return &found->second;
  }
  if (family.series.size() >= kMaxSeries) {
    return nullptr;
  }
  Labels key;
  std::transform(labels.begin(), labels.end(), key.begin(), base::to_utf8);
  Series& made = family.series[key];
  made.buckets.resize(row.buckets.size());
  return &made;
}

void Registry::add_to(Metric metric, const View& labels, double by) {
  if (by >= 0) {
    change(metric, labels, by, true);
  }
}

void Registry::change(Metric metric, const View& labels, double amount, bool relative) {
  Family& into = family(metric);
  const std::lock_guard lock(into.series_mutex);
  if (Series* series = find_or_create(into, row(metric), labels)) {
    series->value = relative ? series->value + amount : amount;
  }
}

void Registry::observe_value(Metric metric, const View& labels, double value) {
  Family& into = family(metric);
  const auto& bounds = row(metric).buckets;
  const std::lock_guard lock(into.series_mutex);
  Series* series = find_or_create(into, row(metric), labels);
  if (series == nullptr) {
    return;
  }
  series->value += value;
  ++series->count;
  const auto bound = std::isnan(value) ? bounds.end()  // as the Go client: in no bucket but +Inf
                                       : std::lower_bound(bounds.begin(), bounds.end(), value);
  if (bound != bounds.end()) {
    ++series->buckets[static_cast<std::size_t>(bound - bounds.begin())];
  }
}

void Registry::remove_series(Metric metric, const View& labels) {
  Family& from = family(metric);
  const std::lock_guard lock(from.series_mutex);
  if (const auto found = from.series.find(labels); found != from.series.end()) {
    from.series.erase(found);
  }
}

void Registry::remove_all(Metric metric) {
  Family& from = family(metric);
  const std::lock_guard lock(from.series_mutex);
  from.series.clear();
}

void Registry::replace_all(Metric metric, const std::vector<std::pair<View, double>>& all) {
  Family& in = family(metric);
  const std::lock_guard lock(in.series_mutex);
  in.series.clear();
  for (const auto& [labels, value] : all) {
    if (Series* series = find_or_create(in, row(metric), labels)) {
      series->value = value;
    }
  }
}

std::optional<double> Registry::series_value(Metric metric, const View& labels) const {
  const Family& in = family(metric);
  const std::lock_guard lock(in.series_mutex);
  const auto found = in.series.find(labels);
  return found == in.series.end() ? std::nullopt : std::optional(found->second.value);
}

std::uint64_t Registry::series_count(Metric metric, const View& labels) const {
  const Family& in = family(metric);
  const std::lock_guard lock(in.series_mutex);
  const auto found = in.series.find(labels);
  return found == in.series.end() ? 0 : found->second.count;
}

void Registry::append(std::string& out, const Row& row, const Family& family) {
  for (const auto& [labels, series] : family.series) {
    const std::string own = braces(row, labels, "");
    if (row.kind == Kind::counter || row.kind == Kind::gauge) {
      append_line(out, row.name, "", own, number(series.value));
      continue;
    }
    if (row.kind == Kind::histogram) {
      std::uint64_t below = 0;
      for (std::size_t i = 0; i < row.buckets.size(); ++i) {
        below += series.buckets[i];
        const std::string bound = "le=\"" + number(row.buckets[i]) + "\"";
        append_line(out, row.name, "_bucket", braces(row, labels, bound), std::to_string(below));
      }
      append_line(out, row.name, "_bucket", braces(row, labels, "le=\"+Inf\""),
                  std::to_string(series.count));
    }
    append_line(out, row.name, "_sum", own, number(series.value));
    append_line(out, row.name, "_count", own, std::to_string(series.count));
  }
}

std::string Registry::expose() {
  observe_process(*this);
  return text();
}

std::string Registry::text() const {
  static const auto order = order_by_name();
  std::string out;
  out.reserve(16384);
  for (const std::size_t place : order) {
    const Row& each = kTable[place];
    const Family& from = families_[place];
    const std::lock_guard lock(from.series_mutex);
    if (from.series.empty()) {
      continue;
    }
    out += "# HELP ";
    out += each.name;
    out += ' ';
    out += each.help;
    out += "\n# TYPE ";
    out += each.name;
    out += ' ';
    out += type_name(each.kind);
    out += '\n';
    append(out, each, from);
  }
  return out;
}

}  // namespace vpccni::metrics
