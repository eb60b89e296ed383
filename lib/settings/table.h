#pragma once
// One row per environment variable: upstream's, those that its SDK and Kubernetes client read, and
// ours (VPCCNI_*). Parsing, help, the Markdown reference and the check against upstream's list all
// come from these rows. Pure data, readable by all threads.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "settings/settings.h"

namespace vpccni::settings {

enum class Kind : std::uint8_t { boolean, integer, text, path, url, cidrs, choice, json, secret };
/// Who reads the variable.
enum class Scope : std::uint8_t { agent, entrypoint, init, aws, kubernetes };
/// What present-but-empty means (upstream is not uniform here): the same as absent, or a value like
/// any other, which booleans and integers then refuse.
enum class Empty : std::uint8_t { absent, value };

/// Why a text was not taken, and what counts instead when that is not the fallback.
struct Problem {
  std::string why;
  std::optional<std::string> used = {};
  bool fatal = false;
};

struct Setting {
  std::string_view name;
  std::string_view fallback;  // as text; "" = none
  Kind kind;
  Scope scope;
  std::string_view since;  // version of upstream, or "vpccni"; "" = from the beginning
  bool acted;              // false: known, but not acted on yet
  Empty empty;
  /// Puts the text into the snapshot. Null when another part reads the variable itself.
  std::optional<Problem> (*store)(std::string_view text, Settings& settings);
  std::string_view help;  // one sentence
};

/// All rows, sorted by name.
std::span<const Setting> settings_table();
const Setting* find_setting(std::string_view name);

std::string_view to_string(Kind kind);
std::string_view to_string(Scope scope);

}  // namespace vpccni::settings
