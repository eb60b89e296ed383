#pragma once
// IMDS, EC2 and the API server, each asked once with a short deadline.

#include <string>

#include "sre/node_view.h"
#include "sre/read_node.h"

namespace vpccni::sre {

void read_imds(const Sources& sources, NodeView& view);
/// IMDS lags behind EC2 by seconds, sometimes by minutes: what it lacks, EC2 is asked about.
/// REQUIRES read_imds and the pods before it.
void ask_ec2(const Sources& sources, NodeView& view);

struct ApiSeen {
  std::string trouble;   // "" also if the environment names no API server
  std::string by_proxy;  // its URL, if a proxy is between
  std::string missing_eni_config;
};
/// As the agent does. May run beside anything else.
ApiSeen ask_api(const Sources& sources);

}  // namespace vpccni::sre
