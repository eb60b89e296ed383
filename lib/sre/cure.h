#pragma once
// What mends a finding of the doctor. Pure: a cure is a value, carried out by `vpccni doctor
// --fix`. None takes anything away.

#include <string>
#include <variant>
#include <vector>

#include "podnet/host_check.h"
#include "sre/node_view.h"

namespace vpccni::sre {

struct SetParameter {
  std::string path;  // below /proc/sys, in the slash form
  std::string value;
};
struct WriteFile {
  std::string path;  // on the node; a new file, or one of ours
  std::string text;
};
struct PutBack {
  podnet::Fault fault;  // with its repair
};
using Cure = std::variant<SetParameter, WriteFile, PutBack>;
/// "net/ipv4/ip_forward = 1"; two cures of the same text are the same cure.
std::string to_string(const Cure& cure);

namespace rules {

/// What of links, addresses, routes and rules is missing and can come back without its pod.
std::vector<Cure> put_back(const NodeView&);
std::vector<Cure> loose_rp_filter(const NodeView&);
std::vector<Cure> forward(const NodeView&);
std::vector<Cure> no_early_demux(const NodeView&);
std::vector<Cure> tell_networkd(const NodeView&);

}  // namespace rules

}  // namespace vpccni::sre
