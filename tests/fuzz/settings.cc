// The environment of the agent, NAME=VALUE per line; an empty line ends it.

#include <algorithm>

#include "settings/settings.h"
#include "settings/table.h"
#include "tests/fuzz/fuzz.h"

namespace vpccni {

using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  const settings::Environment environment = fuzz::take_environment(input);
  std::vector<settings::Note> notes;
  const settings::Settings loaded = settings::load(environment, notes);
  require(loaded.eni_mtu >= 576 && loaded.eni_mtu <= 9001, "the MTU is usable");
  require(loaded.connmark.value() != 0, "the mark is one");
  (void)settings::refusals(loaded);

  // What a note says is used instead is what is used.
  settings::Environment corrected = environment;
  for (const auto& note : notes) {
    require(!to_string(note).empty(), "a note is a line");
    const auto* row = settings::find_setting(note.name);
    if (row == nullptr) {  // a name that looks like one of ours
      require(environment.contains(note.name) && note.value == "***",
              "a note is about a variable that was given");
      corrected.erase(note.name);
      continue;
    }
    require(row->kind != settings::Kind::secret || note.value == "***", "no secret in a note");
    if (!note.fatal && note.why != "is not acted on yet") {
      corrected.erase(note.name);
      if (!note.used.empty()) {
        corrected.emplace(note.name, note.used);
      }
    }
  }
  std::vector<settings::Note> rest;
  require(settings::load(corrected, rest) == loaded, "a note tells what is used instead");
  require(
      std::all_of(rest.begin(), rest.end(),
                  [](const auto& note) { return note.fatal || note.why == "is not acted on yet"; }),
      "what is used instead is usable");
  return 0;
}

}  // namespace vpccni
