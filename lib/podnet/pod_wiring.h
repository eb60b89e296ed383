#pragma once
// Private to lib/podnet: joins a pod's namespace to the host by a veth, and takes back what it did
// when a later step fails. What the host does with the pod's packets is the caller's part.

#include <string>
#include <vector>

#include "linux/links.h"
#include "podnet/pod.h"
#include "podnet/pod_sides.h"

namespace vpccni::podnet {

/// One request of a batch: the failure that is fine, and what takes its success back.
struct Step {
  linux::Request request;
  int tolerated = 0;  // errno
  std::optional<linux::Request> undo = {};
};

/// Names, index and MAC are such that nothing but this pod's own objects can be meant.
Result<> check(const PodLink& link);

class Wiring {
 public:
  static Result<Wiring> open(const std::string& netns_path);

  /// The veth, its host end up and with its parameters; nothing is routed to it yet.
  Result<linux::Link> create(const PodLink& link);
  /// The pod's end: up, its address, its way out.
  Result<> configure_pod(const PodLink& link, const linux::Link& host_end);

  linux::Netlink& host() { return host_; }
  /// All steps on the host's side in one send. What was done is undone by undo() also when another
  /// step failed.
  Result<std::vector<linux::Reply>> run_on_host(const std::vector<Step>& steps);
  void undo_on_host(linux::Request request) { undo_host_.push_back(std::move(request)); }
  /// Takes back what this wiring made, and nothing else.
  void undo();

 private:
  explicit Wiring(PodSides sides)
      : netns_(std::move(sides.netns)), host_(std::move(sides.host)), pod_(std::move(sides.pod)) {}

  Result<linux::Link> create_link(const PodLink& link);
  Result<> remove_stale_link(const PodLink& link, const linux::Reply& host_end);
  Result<> prepare_host_end(const PodLink& link, net::IfIndex host_end);
  Result<net::IfIndex> pod_end(const PodLink& link, const linux::Link& host_end);

  linux::Netns netns_;
  linux::Netlink host_;
  linux::Netlink pod_;
  std::vector<linux::Request> undo_host_;
  std::vector<linux::Request> undo_pod_;
};

/// The host's part for a pod whose packets take a table of an ENI, or main: the route to the pod in
/// main, rule 512, and rule 1536 unless the table is main.
Result<> route_to_pod(Wiring& wiring, const PodLink& link, net::IfIndex host_end);

}  // namespace vpccni::podnet
