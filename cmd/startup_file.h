#pragma once
// startup.json beside the checkpoint: which step of start-up the agent is in, or where it ended.
// The agent writes it; the plugin reads it when nobody listens, to say more than that.

#include <string>

namespace vpccni::cmd {

struct StartupStep {
  int step = 0;
  int of = 0;
  std::string name;
  std::string error;  // why the start ended here; "" while it goes on
};

/// Best effort: the file helps people and is no state.
void write_startup(const std::string& backing_store, const StartupStep& step);

/// "last startup step: 6/8 set up the attached ENIs: <error>"; "" when the file says nothing.
std::string last_startup_step(const std::string& path = "/var/run/aws-node/startup.json");

}  // namespace vpccni::cmd
