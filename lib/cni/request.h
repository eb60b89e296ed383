#pragma once
// What the runtime asks: the CNI variables and stdin, checked by the rules of spec dataplane.md
// 1.1-1.3. Pure; all of it is foreign bytes, bounded and refused with the specified codes.

#include <istream>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/json.h"
#include "cni/failure.h"

namespace vpccni::cni {

using Environment = std::map<std::string, std::string>;

inline constexpr std::size_t kStdinLimit = std::size_t{4} << 20U;

enum class Verb { add, del, check, gc, status, version };
std::string_view to_string(Verb verb);  // "ADD", as in CNI_COMMAND

struct Request {
  Verb verb = Verb::version;
  std::string container_id;
  std::string netns;
  std::string ifname;
  std::string args;  // CNI_ARGS as they came
  std::string path;
  bool netns_override = false;
  std::string input;        // stdin
  base::Json config;        // stdin, an object
  std::string cni_version;  // supported; 0.1.0 if the configuration names none
  std::string network_name;
};

/// CNI_COMMAND is not set: somebody looks what this program is.
struct NoCommand {};

/// Reads `in` to its end, or to kStdinLimit, for every verb but VERSION.
std::variant<Request, NoCommand, Failure> read_request(const Environment& environment,
                                                       std::istream& in);

/// CNI_ARGS that name the pod.
struct PodArgs {
  std::string pod;
  std::string name_space;
  std::string infra_container_id;
  std::string uid;
};
Result<PodArgs> parse_args(const std::string& text);

}  // namespace vpccni::cni
