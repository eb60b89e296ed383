#include "agent/event_book.h"

#include <catch2/catch.hpp>

namespace vpccni::agent {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

EventKey key_of(int number) {
  return {"team", "pod-" + std::to_string(number), "POOL_COOLING", "AddNetwork"};
}
const base::SteadyTime kStart{};

TEST_CASE("events: repeats are one event and a count every five minutes") {
  EventBook book;
  int told = 0;
  int creates = 0;
  int writes = 0;
  for (auto now = kStart; now < kStart + minutes(60); now += seconds(1)) {
    if (book.note(key_of(1), now)) {
      ++creates;
      book.created(key_of(1), "event");
    }
    for (const auto& repeats : book.due(now)) {
      CHECK(repeats.name_space == "team");
      CHECK(repeats.event == "event");
      CHECK(repeats.count > told);
      CHECK(repeats.count >= 2);
      told = repeats.count;
      ++writes;
    }
  }
  CHECK(creates == 1);
  CHECK(writes == 11);
  CHECK(told == 11 * 300 + 1);
}

TEST_CASE("events: the last repeats of a series that ends are told too") {
  EventBook book;
  REQUIRE(book.note(key_of(1), kStart));
  book.created(key_of(1), "event");
  CHECK_FALSE(book.note(key_of(1), kStart + seconds(1)));
  CHECK(book.due(kStart + seconds(299)).empty());
  const auto due = book.due(kStart + seconds(300));
  REQUIRE(due.size() == 1);
  CHECK(due.front().count == 2);
  CHECK(book.due(kStart + seconds(601)).empty());
  CHECK(book.size() == 0);  // quiet: the next occurrence is a new event
  CHECK(book.note(key_of(1), kStart + minutes(20)));
}

TEST_CASE("events: no series of an event that does not exist yet") {
  EventBook book;
  REQUIRE(book.note(key_of(1), kStart));
  CHECK_FALSE(book.note(key_of(1), kStart + seconds(1)));
  CHECK(book.due(kStart + minutes(6)).empty());
  book.failed(key_of(1));
  CHECK(book.note(key_of(1), kStart + minutes(6)));
}

TEST_CASE("events: each part of the key makes another event") {
  EventBook book;
  REQUIRE(book.note({"a", "b", "c", "d"}, kStart));
  CHECK_FALSE(book.note({"a", "b", "c", "d"}, kStart));
  CHECK(book.note({"x", "b", "c", "d"}, kStart));
  CHECK(book.note({"a", "x", "c", "d"}, kStart));
  CHECK(book.note({"a", "b", "x", "d"}, kStart));
  CHECK(book.note({"a", "b", "c", "x"}, kStart));
}

TEST_CASE("events: many pods that fail neither flood the API server nor fill the memory") {
  EventBook book;
  int creates = 0;
  int number = 0;
  for (auto now = kStart; now < kStart + minutes(10); now += seconds(1)) {
    for (int i = 0; i < 100; ++i) {
      creates += book.note(key_of(++number), now) ? 1 : 0;
    }
    CHECK(book.size() <= 256);
  }
  CHECK(creates <= 20 + 60);
  CHECK(creates >= 20 + 59);
}

}  // namespace
}  // namespace vpccni::agent
