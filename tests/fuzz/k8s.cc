// What the Kubernetes API server answers, and the variables that say where it is.

#include "k8s/api_http.h"
#include "k8s/config.h"
#include "tests/fuzz/fuzz.h"

namespace vpccni {

using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  switch (fuzz::take_choice(input, 4)) {
    case 0:
      if (const auto node = k8s::parse_node(input)) {
        require(!node->name.empty(), "a node has a name");
        require(node->pod_capacity.value_or(0) >= 0, "no negative capacity");
      }
      break;
    case 1:
      if (const auto pod = k8s::parse_pod(input)) {
        require(!pod->name.empty(), "a pod has a name");
      }
      break;
    case 2: {
      std::string next;
      if (const auto pods = k8s::parse_pod_list(input, next)) {
        for (const auto& pod : *pods) {
          require(!pod.name.empty(), "a pod has a name");
        }
      }
      break;
    }
    default:
      if (const auto config = k8s::read_config(fuzz::take_environment(input)); config && *config) {
        require((*config)->url.starts_with("http") && !(*config)->url.ends_with('/'),
                "the URL is ready for a path");
        require((*config)->url.find_first_of(" \t\r\n") == std::string::npos, "a URL is one word");
      }
  }
  return 0;
}

}  // namespace vpccni
