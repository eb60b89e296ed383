#pragma once
// What happened, for people, and the first invariant that did not hold. Lines are only made when
// they are wanted: a failing seed is run again with them.

#include <deque>
#include <optional>
#include <string>

#include "tests/sim/timeline.h"

namespace vpccni::sim {

struct Violation {
  std::string invariant;  // its name in oracle.h
  std::string detail;
};

class Journal {
 public:
  Journal(const Timeline& time, bool wanted) : time_(time), wanted_(wanted) {}

  bool wanted() const { return wanted_; }
  /// `text` is called only when lines are wanted.
  template <class Text>
  void say(Text text) {
    if (wanted_) {
      add(text());
    }
  }
  /// The first one counts.
  void violated(std::string invariant, std::string detail) {
    if (!violation_) {
      say([&] { return "VIOLATED " + invariant + ": " + detail; });
      violation_ = {std::move(invariant), std::move(detail)};
    }
  }
  const std::optional<Violation>& violation() const { return violation_; }
  const std::deque<std::string>& lines() const { return lines_; }
  /// Of all lines so far: equal for equal runs.
  std::size_t digest() const { return digest_; }

 private:
  void add(const std::string& text);

  const Timeline& time_;
  bool wanted_;
  std::deque<std::string> lines_;
  std::size_t digest_ = 0;
  std::optional<Violation> violation_;
};

}  // namespace vpccni::sim
