#include "ipset/ipset.h"

#include <libipset/ipset.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <memory>
#include <optional>
#include <set>

#include "base/text.h"

namespace vpccni::ipset {

namespace {

/// What the library says, as it says it.
struct Spoken {
  std::string output;
  std::string error;
};

void append(std::string& text, const char* format, std::va_list words) {
  std::va_list again;
  va_copy(again, words);
  const int length = std::vsnprintf(nullptr, 0, format, words);
  if (length > 0) {
    const std::size_t have = text.size();
    text.resize(have + static_cast<std::size_t>(length) + 1);
    (void)std::vsnprintf(text.data() + have, static_cast<std::size_t>(length) + 1, format, again);
    text.pop_back();
  }
  va_end(again);
}

__attribute__((format(printf, 4, 5))) int take_usage_error(struct ipset* /*ipset*/, void* to,
                                                           int /*status*/, const char* format,
                                                           ...) {
  std::va_list words;
  va_start(words, format);
  append(static_cast<Spoken*>(to)->error, format, words);
  va_end(words);
  return -1;
}

int take_kernel_error(struct ipset* ipset, void* to) {
  auto* session = ::ipset_session(ipset);
  if (const char* text = ::ipset_session_report_msg(session)) {
    static_cast<Spoken*>(to)->error += text;
  }
  ::ipset_session_report_reset(session);
  return -1;
}

__attribute__((format(printf, 3, 4))) int take_output(struct ipset_session* /*session*/, void* to,
                                                      const char* format, ...) {
  std::va_list words;
  va_start(words, format);
  append(static_cast<Spoken*>(to)->output, format, words);
  va_end(words);
  return 0;
}

struct Close {
  void operator()(struct ipset* library) const { (void)::ipset_fini(library); }
};

/// The library as one that takes the program's arguments.
class Commands {
 public:
  /// What it printed. `not_found`: no such set. `conflict`: the set is in use.
  Result<std::string> run(const std::vector<std::string>& arguments) {
    if (!library_ && !open()) {
      return Error{Errc::unsupported, "libipset cannot be used: no netlink or no memory"};
    }
    spoken_ = {};
    std::string program = "ipset";
    std::vector<std::string> kept = arguments;
    std::vector<char*> argv{program.data()};
    for (std::string& word : kept) {
      argv.push_back(word.data());
    }
    const int count = static_cast<int>(argv.size());
    argv.push_back(nullptr);
    if (::ipset_parse_argv(library_.get(), count, argv.data()) == 0 && spoken_.error.empty()) {
      return std::move(spoken_.output);
    }
    library_.reset();  // a session that has failed refuses the next command
    const auto says = [&](const char* words) {
      return spoken_.error.find(words) != std::string::npos;
    };
    return Error{
        says("does not exist")                 ? Errc::not_found
        : says("in use by a kernel component") ? Errc::conflict
                                               : Errc::unsupported,
        "ipset " + base::join(arguments, " ") + ": " + std::string(base::trim(spoken_.error))};
  }

 private:
  bool open() {
    [[maybe_unused]] static const bool loaded = (::ipset_load_types(), true);
    library_.reset(::ipset_init());
    return library_ && ::ipset_custom_printf(library_.get(), take_usage_error, take_kernel_error,
                                             take_output, &spoken_) == 0;
  }

  Spoken spoken_;
  std::unique_ptr<struct ipset, Close> library_;
};

/// nullopt: no such set.
Result<std::optional<std::set<net::Cidr>>> members(Commands& commands, const std::string& name) {
  const auto listed = commands.run({"save", name});
  if (!listed) {
    if (listed.error().code == Errc::not_found) {
      return std::optional<std::set<net::Cidr>>();
    }
    return listed.error();
  }
  std::set<net::Cidr> found;
  for (const auto line : base::split(*listed, '\n')) {
    const auto words = base::split(line, ' ');
    if (words.size() >= 3 && words[0] == "add") {
      const std::string text(words[2]);
      const auto network = text.find('/') == std::string::npos ? net::Cidr::parse(text + "/32")
                                                               : net::Cidr::parse(text);
      VPCCNI_CHECK(wrap(network, "ipset " + name));
      found.insert(*network);
    }
  }
  return std::optional(std::move(found));
}

}  // namespace

Result<bool> fill(const std::string& name, const std::vector<net::Cidr>& networks) {
  Commands commands;
  const std::set<net::Cidr> wanted(networks.begin(), networks.end());
  VPCCNI_TRY(const auto there, members(commands, name));
  if (there && *there == wanted) {
    return false;
  }
  const std::string fresh = name + ".new";
  const std::vector<std::string> type = {
      "hash:net", "family", "inet", "maxelem",
      std::to_string(std::max<std::size_t>(65536, wanted.size()))};
  const auto create = [&](const std::string& set) {
    std::vector<std::string> command = {"create", set};
    command.insert(command.end(), type.begin(), type.end());
    return commands.run(command);
  };
  if (auto left = commands.run({"destroy", fresh}); !left && left.error().code != Errc::not_found) {
    return std::move(left).error();
  }
  VPCCNI_CHECK(create(fresh));
  for (const net::Cidr& network : wanted) {
    VPCCNI_CHECK(commands.run({"add", fresh, to_string(network)}));
  }
  if (!there) {
    VPCCNI_CHECK(create(name));
  }
  VPCCNI_CHECK(commands.run({"swap", fresh, name}));
  VPCCNI_CHECK(commands.run({"destroy", fresh}));
  return true;
}

Result<> destroy(const std::string& name) {
  Commands commands;
  if (auto gone = commands.run({"destroy", name}); !gone && gone.error().code != Errc::not_found) {
    return std::move(gone).error();
  }
  return {};
}

}  // namespace vpccni::ipset
