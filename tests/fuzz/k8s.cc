// What the Kubernetes API server answers, and the variables that say where it is.

#include "agent/branch_eni.h"
#include "k8s/config.h"
#include "k8s/parse.h"
#include "k8s/read_stream.h"
#include "tests/fuzz/fuzz.h"

namespace vpccni {

using fuzz::require;

constexpr std::size_t kItem = 4096;

/// However the bytes are cut, the objects are the same.
void read_list(std::string_view input) {
  const auto read = [input](std::size_t chunk) {
    std::vector<std::string> items;
    k8s::ListReader reader(
        [&items](std::string_view json) -> Result<> {
          require(json.size() <= kItem, "an item is bounded");
          items.emplace_back(json);
          if (const auto pod = k8s::parse_pod(json)) {
            require(!pod->name.empty(), "a pod has a name");
          }
          return {};
        },
        kItem);
    bool ok = true;
    for (std::size_t at = 0; at < input.size() && ok; at += chunk) {
      ok = reader.feed(input.substr(at, chunk)).has_value();
    }
    return std::pair(items, ok && reader.finish().has_value());
  };
  require(read(1) == read(input.size() + 1), "a list does not depend on how it is cut");
}

void read_watch(std::string_view input) {
  const auto read = [input](std::size_t chunk) {
    std::vector<std::string> lines;
    k8s::LineReader reader(
        [&lines](std::string_view json) -> Result<> {
          require(json.size() <= kItem, "a line is bounded");
          lines.emplace_back(json);
          VPCCNI_TRY(const auto change, k8s::parse_node_change(json));
          require(!change.version.empty(), "a change has a version");
          return {};
        },
        kItem);
    for (std::size_t at = 0; at < input.size(); at += chunk) {
      if (!reader.feed(input.substr(at, chunk))) {
        break;
      }
    }
    return lines;
  };
  require(read(1) == read(input.size() + 1), "a watch does not depend on how it is cut");
}

void read_custom(std::string_view input) {
  if (const auto config = k8s::parse_eni_config(input)) {
    require(!config->name.empty() && config->security_groups.size() <= 64, "an ENIConfig is small");
  }
  if (const auto node = k8s::parse_cni_node(input)) {
    require(!node->version.empty() && node->features.size() <= 64, "a CNINode is small");
  }
  for (const auto family : {net::Family::v4, net::Family::v6}) {
    if (const auto eni = agent::parse_branch_eni(input, family)) {
      require(eni->address.family() == family && eni->gateway.family() == family, "one family");
      require(eni->vlan.value() >= 1 && eni->vlan.value() <= 4094 && !eni->mac.empty(), "a VLAN");
    }
  }
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  read_custom(input);
  switch (fuzz::take_choice(input, 5)) {
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
    case 2:
      read_list(input);
      break;
    case 3:
      if (const auto config = k8s::read_config(fuzz::take_environment(input)); config && *config) {
        require((*config)->url.starts_with("http") && !(*config)->url.ends_with('/'),
                "the URL is ready for a path");
        require((*config)->url.find_first_of(" \t\r\n") == std::string::npos, "a URL is one word");
      }
      break;
    default:
      read_watch(input);
  }
  return 0;
}

}  // namespace vpccni
