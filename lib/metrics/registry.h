#pragma once
// The values of all metrics and their text form for Prometheus. Thread-safe; one lock per metric,
// held for a map look-up. Metrics are named by enumerator; type and number of labels are checked
// by the compiler against table.h:
//   registry.add<Metric::awscni_ec2api_req_count>({"CreateTags"});
//   registry.set<Metric::awscni_eni_allocated>(2);
// A metric without labels is present with 0 from the start; a labelled series from its first use.
// Label values are foreign text at times, so a metric keeps at most kMaxSeries series: further
// ones are dropped; and what is no UTF-8 is replaced, as it would spoil the whole page. Nothing
// here fails.

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "metrics/table.h"

namespace vpccni::metrics {

inline constexpr std::size_t kMaxSeries = 4096;

/// One series of a metric with N labels.
template <std::size_t N>
struct Sample {
  std::array<std::string, N> labels;
  double value = 0;
};

class Registry {
 public:
  Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  /// Counters. `by` must not be negative; if it is, nothing happens.
  template <Metric M>
  void add(double by = 1) {
    check<M, 0, Kind::counter>();
    add_to(M, {}, by);
  }
  template <Metric M, std::size_t N>
  void add(const std::string_view (&labels)[N], double by = 1) {
    check<M, N, Kind::counter>();
    add_to(M, view(labels), by);
  }

  /// Gauges; and counters without labels that mirror one kept elsewhere (the kernel's CPU time).
  template <Metric M>
  void set(double value) {
    check<M, 0, Kind::gauge, Kind::counter>();
    change(M, {}, value, false);
  }
  template <Metric M, std::size_t N>
  void set(double value, const std::string_view (&labels)[N]) {
    check<M, N, Kind::gauge>();
    change(M, view(labels), value, false);
  }
  template <Metric M, std::size_t N>
  void adjust(double by, const std::string_view (&labels)[N]) {
    check<M, N, Kind::gauge>();
    change(M, view(labels), by, true);
  }

  /// For gauges that are computed anew: these series and no others, at once for every reader.
  template <Metric M>
  void replace(const std::vector<Sample<row(M).label_count()>>& samples) {
    static_assert(row(M).kind == Kind::gauge && row(M).label_count() > 0);
    std::vector<std::pair<View, double>> all;
    for (const auto& sample : samples) {
      View labels;
      std::copy(sample.labels.begin(), sample.labels.end(), labels.begin());
      all.emplace_back(labels, sample.value);
    }
    replace_all(M, all);
  }

  /// Histograms and summaries.
  template <Metric M>
  void observe(double value) {
    check<M, 0, Kind::histogram, Kind::summary>();
    observe_value(M, {}, value);
  }
  template <Metric M, std::size_t N>
  void observe(double value, const std::string_view (&labels)[N]) {
    check<M, N, Kind::histogram, Kind::summary>();
    observe_value(M, view(labels), value);
  }

  /// Forgets one labelled series, or all of a metric.
  template <Metric M, std::size_t N>
  void remove(const std::string_view (&labels)[N]) {
    check<M, N, row(M).kind>();
    remove_series(M, view(labels));
  }
  template <Metric M>
  void clear() {
    static_assert(row(M).label_count() > 0);
    remove_all(M);
  }

  /// The value of a counter or gauge, the sum of the others. None if there is no such series.
  template <Metric M>
  std::optional<double> value() const {
    check<M, 0, row(M).kind>();
    return series_value(M, {});
  }
  template <Metric M, std::size_t N>
  std::optional<double> value(const std::string_view (&labels)[N]) const {
    check<M, N, row(M).kind>();
    return series_value(M, view(labels));
  }
  /// How often a histogram or summary was observed.
  template <Metric M, std::size_t N>
  std::uint64_t observations(const std::string_view (&labels)[N]) const {
    check<M, N, Kind::histogram, Kind::summary>();
    return series_count(M, view(labels));
  }

  /// Text format 0.0.4, metrics sorted by name, with fresh process_* values. The content type is
  /// kContentType.
  std::string expose();
  /// The same without looking at the process.
  std::string text() const;

 private:
  using View = std::array<std::string_view, kMaxLabels>;
  using Labels = std::array<std::string, kMaxLabels>;
  struct Before {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      for (std::size_t i = 0; i < kMaxLabels; ++i) {
        if (const int order = std::string_view(a[i]).compare(std::string_view(b[i])); order != 0) {
          return order < 0;
        }
      }
      return false;
    }
  };
  struct Series {
    double value = 0;  // or the sum of what was observed
    std::uint64_t count = 0;
    std::vector<std::uint64_t> buckets;  // not cumulative
  };
  struct Family {
    mutable std::mutex series_mutex;
    std::map<Labels, Series, Before> series;  // guarded by series_mutex
  };

  template <Metric M, std::size_t Count, Kind... Wanted>
  static constexpr void check() {
    static_assert(((row(M).kind == Wanted) || ...), "type as in table.h");
    static_assert(Count == row(M).label_count(), "labels as in table.h");
  }
  template <std::size_t N>
  static View view(const std::string_view (&labels)[N]) {
    static_assert(N <= kMaxLabels);
    View out;
    std::copy(std::begin(labels), std::end(labels), out.begin());
    return out;
  }

  Family& family(Metric metric) { return families_[static_cast<std::size_t>(metric)]; }
  const Family& family(Metric metric) const { return families_[static_cast<std::size_t>(metric)]; }
  static Series* find_or_create(Family& family, const Row& row, const View& labels);
  static void append(std::string& out, const Row& row, const Family& family);
  void add_to(Metric metric, const View& labels, double by);
  void change(Metric metric, const View& labels, double amount, bool relative);
  void observe_value(Metric metric, const View& labels, double value);
  void remove_series(Metric metric, const View& labels);
  void remove_all(Metric metric);
  void replace_all(Metric metric, const std::vector<std::pair<View, double>>& all);
  std::optional<double> series_value(Metric metric, const View& labels) const;
  std::uint64_t series_count(Metric metric, const View& labels) const;

  std::array<Family, kMetricCount> families_;
};

inline constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace vpccni::metrics
