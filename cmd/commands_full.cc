#include "cmd/command.h"

namespace vpccni::cmd {

namespace {

constexpr Command kCommands[] = {
    // NOLINT(modernize-avoid-c-arrays)
    {"agent", "aws-k8s-agent", "Runs the node's daemon, set up by its environment.", "", "",
     run_agent},
    {"bundle", "", "Writes an archive for support, with secrets taken out.",
     "[--out FILE] [--no-logs]", "", run_bundle},
    {"capacity", "", "Tells how many pods an instance type can have, by mode.",
     "[--type INSTANCE_TYPE] [--json]", "capacity", run_capacity},
    {"checkpoint", "", "Shows or verifies the agent's checkpoint; never writes.",
     "show|verify [FILE] [--json]", "checkpoint-show checkpoint-verify", run_checkpoint},
    {"cni", "aws-cni", "The CNI plugin; called by the container runtime.", "", "", run_cni},
    {"config", "", "Shows each setting's value and origin; validates the environment.",
     "show|validate [--json]", "config-show config-validate", run_config},
    {"conflist", "", "Writes the network configuration for the runtime; checks its settings.",
     "[--check | --print] [--template FILE] [--to DIR]", "", run_conflist},
    {"doctor", "", "Tells what is wrong with this node, worst first, and what to do.",
     "[--json | --list | --fix [RULE...] [--dry-run]] [--iam] [--node-root DIR]", "doctor",
     run_doctor},
    {"drift", "", "Shows where agent, checkpoint, kernel, IMDS and EC2 differ.",
     "[--all | --repair] [--json]", "drift drift-repair", run_drift},
    {"egress", "egress-cni",
     "The CNI plugin for egress in the other IP family; called by the container runtime.", "", "",
     run_egress},
    {"eni", "", "Lists, attaches and detaches ENIs; removes those that dead nodes left in the VPC.",
     "list|gc|attach ENI|detach ENI [--yes] [--json]", "eni-list eni-gc change", run_eni},
    {"explain", "", "Follows one pod's packets hop by hop and names the first that is broken.",
     "[NAMESPACE/]POD|ADDRESS [--json]", "explain", run_explain},
    {"fips-check", "fips-startup-check",
     "Proves that cryptography here comes from the validated module.",
     "[--json | --quiet] [--strict] [--profile quick|full] [--provider auto|openssl|wolfssl] "
     "[--config FILE] [--modules DIR] [--manifest FILE] [--url URL [--cacert FILE]] "
     "[--only ID,...] [--list | --explain]",
     "fips-check", run_fips_check},
    {"help", "", "Tells what there is and how to call it.",
     "[--json | environment [--json] | COMMAND]", "help help-environment", run_help},
    {"host", "aws-vpc-cni-init", "Installs the plugins on the node; sets kernel parameters.",
     "install|init [--from DIR] [--to DIR]", "", run_host},
    {"ip", "", "Lists addresses of ENIs and who has them; gives and takes them by hand.",
     "list|assign ENI|unassign ADDRESS... [--count N | --prefixes N] [--yes] [--json]",
     "ip-list change", run_ip},
    {"pods", "", "Lists which pod holds which address.", "[--json]", "pods", run_pods},
    {"probe", "grpc-health-probe", "Asks a gRPC server whether it is healthy.",
     "-addr=HOST:PORT|unix:PATH [-service=NAME] [-connect-timeout=1s] [-rpc-timeout=1s] [-v]", "",
     run_probe},
    {"startup", "", "Tells where the agent's start is; exit 0 when it is ready.", "[--json]",
     "startup", run_startup},
    {"status", "", "Shows the node on one screen: agent, pool, ENIs, findings.",
     "[--watch] [--json]", "status", run_status},
    {"version", "", "Prints the version.", "[--json]", "version", run_version},
    {"why", "", "Lists the last ADDs that failed, with their reasons.", "[--json]", "why", run_why},
};

}  // namespace

std::span<const Command> commands() {
  return kCommands;
}

}  // namespace vpccni::cmd
