#pragma once
// Reads a node: agent, checkpoint, IMDS, kernel, files. Each source has a short deadline, and none
// needs another. Blocks for about two seconds at the most.

#include <map>
#include <string>

#include "base/clock.h"
#include "sre/node_view.h"

namespace vpccni::sre {

/// `and_around`: what is around the node as well: ENIs that it has left behind, room in its
/// subnets.
enum class AskEc2 { when_needed, always, and_around };

struct Sources {
  const std::map<std::string, std::string>& environment;
  const base::Clock& clock;
  bool imds = true;
  AskEc2 ec2 = AskEc2::when_needed;
  bool permissions = false;  // takes one call for each action, some seconds
  bool api_server = false;
  std::string node_root;  // where the node's own files are, for a container that has them mounted
};

NodeView read_node(const Sources& sources);

}  // namespace vpccni::sre
