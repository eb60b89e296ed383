#pragma once
// A stand-in for the VPC resource controller: gives a trunk ENI to a node whose CNINode asks for
// security groups for pods, and a branch ENI to each of its pods that asks for one, which it writes
// to the pod. State, not scripted calls: look() compares what the API server has with what there is
// and takes the next steps. Not thread-safe.

#include <map>
#include <set>
#include <string>

#include "tests/vpc/kubernetes_face.h"
#include "tests/vpc/model.h"

namespace vpccni::vpc {

struct ControllerOptions {
  bool on = true;
  base::Duration per_branch = std::chrono::milliseconds(300);  // from the pod's object to its ENI
  base::Duration cooldown = std::chrono::seconds(30);          // from the pod's end to its ENI's
};

class ResourceController {
 public:
  ResourceController(Model& model, KubernetesFace& kubernetes)
      : model_(model), kubernetes_(kubernetes) {}

  /// The Kubernetes name of an instance's node.
  void add_node(const std::string& name, const net::InstanceId& instance) {
    nodes_[name] = instance;
  }
  ControllerOptions& options() { return options_; }
  /// What cannot be done is tried again at the next look.
  void look(base::Instant now);

 private:
  struct Branch {
    net::EniId eni;  // empty: not made yet
    net::InstanceId instance;
    net::EniId trunk;
    net::VlanId vlan;
    base::SteadyTime since{};  // of the pod, then of its end
    bool ended = false;
  };
  struct Wish {
    net::SubnetId subnet;
    std::vector<net::SecurityGroupId> groups;
  };

  static bool has_feature(const base::Json& node, const std::string& name, std::string& value);
  Wish wish_of(const base::Json& cni_node, const Instance& instance) const;
  const Eni* trunk_of(const net::InstanceId& instance) const;
  void make_trunk(const std::string& node, const Instance& instance, base::Instant now);
  void look_at_pods(const std::string& node, const base::Json& cni_node, const Instance& instance,
                    const Eni& trunk, base::Instant now);
  void make_branch(const base::Json& pod, const Wish& wish, const Eni& trunk, Branch& branch,
                   base::Instant now);
  void end_branches(const std::set<std::string>& living, base::Instant now);
  net::VlanId free_vlan(const net::EniId& trunk) const;

  Model& model_;
  KubernetesFace& kubernetes_;
  ControllerOptions options_;
  std::map<std::string, net::InstanceId> nodes_;
  std::map<std::string, Branch> branches_;  // by the pod's uid
};

}  // namespace vpccni::vpc
