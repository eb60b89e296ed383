#include "cmd/command.h"

namespace vpccni::cmd {

namespace {

constexpr Command kCommands[] = {
    // NOLINT(modernize-avoid-c-arrays)
    {"cni", "aws-cni", "The CNI plugin; called by the container runtime.", "", "", run_cni},
    {"egress", "egress-cni",
     "The CNI plugin for egress in the other IP family; called by the container runtime.", "", "",
     run_egress},
    {"help", "", "Tells what there is and how to call it.",
     "[--json | environment [--json] | COMMAND]", "help help-environment", run_help},
    {"probe", "grpc-health-probe", "Asks a gRPC server whether it is healthy.",
     "-addr=HOST:PORT|unix:PATH [-service=NAME] [-connect-timeout=1s] [-rpc-timeout=1s] [-v]", "",
     run_probe},
    {"version", "", "Prints the version.", "[--json]", "version", run_version},
};

}  // namespace

std::span<const Command> commands() {
  return kCommands;
}

}  // namespace vpccni::cmd
