#pragma once
// Errors as values. An Error is made where the foreign code is known, wrapped once per layer with
// what that layer was doing, and logged once by whoever decides not to pass it on.
// Result is a small subset of std::expected; g++ 12 has that only with -std=c++23.

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace vpccni {

/// What a caller may branch on. A closed set: foreign codes are mapped to it once per source.
enum class Errc {
  invalid_argument,
  not_found,
  already_exists,
  exhausted,
  throttled,
  denied,
  unavailable,
  timeout,
  conflict,
  corrupt,
  unsupported,
  internal
};

std::string_view to_string(Errc code);

/// `message` is for people and grows outward ("attach eni-1: ec2: rate exceeded");
/// `cause` is the exact foreign code ("InvalidNetworkInterfaceID.NotFound", "ENODEV"), or empty.
struct Error {
  Errc code = Errc::internal;
  std::string message;
  std::string cause = {};
};

/// Adds one clause in front. `doing` names the work and its object, without "failed to".
Error wrap(Error error, std::string_view doing);

/// An error from errno: the cause is its symbol ("ENOENT"), the code its nearest Errc.
Error errno_error(int number, std::string_view doing);

template <class T = void>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  T& operator*() & { return *std::get_if<0>(&state_); }
  const T& operator*() const& { return *std::get_if<0>(&state_); }
  T&& operator*() && { return std::move(*std::get_if<0>(&state_)); }
  T* operator->() { return std::get_if<0>(&state_); }
  const T* operator->() const { return std::get_if<0>(&state_); }
  Error& error() & { return *std::get_if<1>(&state_); }
  const Error& error() const& { return *std::get_if<1>(&state_); }
  Error&& error() && { return std::move(*std::get_if<1>(&state_)); }
  T value_or(T other) && { return has_value() ? std::move(**this) : std::move(other); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT

  bool has_value() const { return !error_.has_value(); }
  explicit operator bool() const { return has_value(); }
  Error& error() & { return *error_; }
  const Error& error() const& { return *error_; }
  Error&& error() && { return std::move(*error_); }

 private:
  std::optional<Error> error_;
};

/// The same result with its error wrapped, if it is one.
template <class T>
Result<T> wrap(Result<T> result, std::string_view doing) {
  if (result) {
    return result;
  }
  return wrap(std::move(result).error(), doing);
}

}  // namespace vpccni

// The only two macros. VPCCNI_TRY(auto x, expr) binds the value or returns the error;
// VPCCNI_CHECK(expr) is for Result<>.
#define VPCCNI_CONCAT_(a, b) a##b
#define VPCCNI_CONCAT(a, b) VPCCNI_CONCAT_(a, b)
#define VPCCNI_TRY_(name, declaration, ...) \
  auto name = (__VA_ARGS__);                \
  if (!name) {                              \
    return std::move(name).error();         \
  }                                         \
  declaration = *std::move(name)  // NOLINT(bugprone-macro-parentheses)
#define VPCCNI_TRY(declaration, ...) \
  VPCCNI_TRY_(VPCCNI_CONCAT(result_, __COUNTER__), declaration, __VA_ARGS__)
#define VPCCNI_CHECK_(name, ...)          \
  if (auto name = (__VA_ARGS__); !name) { \
    return std::move(name).error();       \
  }
#define VPCCNI_CHECK(...) VPCCNI_CHECK_(VPCCNI_CONCAT(result_, __COUNTER__), __VA_ARGS__)
