#pragma once
// The documents of one instance's metadata service, without a network (spec aws.md 4.3). Pure but
// for the role's keys, which are made when they are first read.

#include <map>
#include <optional>
#include <string>

#include "tests/vpc/model.h"

namespace vpccni::vpc {

struct ImdsTreeOptions {
  std::string role = "node-role";    // "" = the instance has no role
  bool network_card_always = false;  // else only on types with more than one card
};

/// Path under /latest/ (without leading slash) -> text.
using ImdsTree = std::map<std::string, std::string>;
ImdsTree imds_tree(Model& model, const net::InstanceId& instance, const ImdsTreeOptions& options,
                   base::Instant now);

/// The text of a key, or the listing of a directory (with or without trailing slash): one name per
/// line, those of directories with a slash. nullopt = 404.
std::optional<std::string> find_document(const ImdsTree& tree, std::string_view path);

}  // namespace vpccni::vpc
