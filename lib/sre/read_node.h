#pragma once
// Reads a node: agent, checkpoint, IMDS, kernel, files. Each source has a short deadline, and none
// needs another. Blocks for about two seconds at the most.

#include <map>
#include <string>

#include "base/clock.h"
#include "sre/node_view.h"

namespace vpccni::sre {

enum class AskEc2 { when_needed, always };

struct Sources {
  const std::map<std::string, std::string>& environment;
  const base::Clock& clock;
  bool imds = true;
  AskEc2 ec2 = AskEc2::when_needed;
};

NodeView read_node(const Sources& sources);

}  // namespace vpccni::sre
