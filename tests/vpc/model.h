#pragma once
// A VPC in memory: subnets, security groups, instances, ENIs, attachments, addresses, limits, the
// lag of EC2 and IMDS. No clock, thread or I/O: every verb takes the time, which must not go back,
// and first lets happen what was due until then. The same verbs at the same times with the same
// seed give the same ids, addresses and changes. A verb that is refused changes nothing; its
// Error.cause is EC2's exact code. Not thread-safe.

#include <map>
#include <set>
#include <string>
#include <tuple>

#include "aws/ec2.h"
#include "base/result.h"
#include "tests/vpc/faults.h"
#include "tests/vpc/imds_view.h"
#include "tests/vpc/model_options.h"
#include "tests/vpc/objects.h"

namespace vpccni::vpc {

class Model {
 public:
  explicit Model(ModelOptions options = {});

  // Topology.
  net::VpcId add_vpc(std::vector<net::Cidr> cidrs, base::Instant now,
                     std::vector<net::Cidr> ipv6_cidrs = {}, net::VpcId id = {});
  Result<> add_vpc_cidr(const net::VpcId& vpc, const net::Cidr& cidr, base::Instant now);
  Result<net::SubnetId> add_subnet(NewSubnet wanted);
  Result<net::SecurityGroupId> add_group(const net::VpcId& vpc, std::string name);
  Result<Instance> run_instance(const NewInstance& wanted, base::Instant now);
  Result<> stop_instance(const net::InstanceId& id, base::Instant now);
  Result<> start_instance(const net::InstanceId& id, base::Instant now);
  Result<> terminate_instance(const net::InstanceId& id, base::Instant now);
  Subnet* edit_subnet(const net::SubnetId& id);  // tags and faults; nullptr if unknown
  AccessKey add_key(AccessKey key);

  // EC2's verbs.
  Result<Eni> create_interface(const NewInterface& wanted, base::Instant now);
  Result<net::AttachmentId> attach(const net::EniId& eni, const net::InstanceId& instance,
                                   net::NetworkCard card, net::DeviceIndex device,
                                   base::Instant now);
  Result<> detach(const net::AttachmentId& id, base::Instant now);
  Result<> remove(const net::EniId& eni, base::Instant now);
  Result<> set_delete_on_termination(const net::EniId& eni, const net::AttachmentId& id, bool on,
                                     base::Instant now);
  Result<> set_groups(const net::EniId& eni, const std::vector<net::SecurityGroupId>& groups,
                      base::Instant now);
  /// A branch ENI on a trunk, and off again; one that is on is not deleted.
  Result<> associate(const net::EniId& branch, const net::EniId& trunk, net::VlanId vlan,
                     base::Instant now);
  Result<> disassociate(const net::EniId& branch, base::Instant now);
  Result<> set_source_dest_check(const net::EniId& eni, bool on, base::Instant now);
  Result<> set_description(const net::EniId& eni, std::string text, base::Instant now);
  Result<aws::Added> assign(const NewAddresses& wanted, base::Instant now);
  Result<> unassign(const net::EniId& eni, const std::vector<net::Ip>& addresses,
                    const std::vector<net::Cidr>& prefixes, base::Instant now);
  Result<aws::Added> assign_ipv6(const net::EniId& eni, int addresses, int prefixes,
                                 base::Instant now);
  Result<> unassign_ipv6(const net::EniId& eni, const std::vector<net::Ip>& addresses,
                         const std::vector<net::Cidr>& prefixes, base::Instant now);
  /// Resources: ENIs, instances, subnets, VPCs, security groups.
  Result<> create_tags(const std::vector<std::string>& resources, const aws::Tags& tags,
                       base::Instant now);
  /// An empty `keys` removes all; a value restricts to tags that have it.
  Result<> delete_tags(const std::vector<std::string>& resources,
                       const std::vector<std::pair<std::string, std::optional<std::string>>>& keys,
                       base::Instant now);

  // What is there, as of the last verb or advance().
  void advance(base::Instant now);
  std::optional<base::SteadyTime> next_due() const;  // when advance() has something to do
  std::vector<Change> take_changes();                // since the last call, in order
  const ModelOptions& options() const { return options_; }
  const std::map<net::VpcId, Vpc>& vpcs() const { return vpcs_; }
  const std::map<net::SubnetId, Subnet>& subnets() const { return subnets_; }
  const std::map<net::SecurityGroupId, SecurityGroup>& groups() const { return groups_; }
  const std::map<net::InstanceId, Instance>& instances() const { return instances_; }
  const std::map<net::EniId, Eni>& enis() const { return enis_; }
  const Eni* find_eni(const net::EniId& id) const;
  const Instance* find_instance(const net::InstanceId& id) const;
  const Subnet* find_subnet(const net::SubnetId& id) const;
  const aws::InstanceLimits* find_limits(std::string_view type) const;
  const AccessKey* find_key(std::string_view id) const;  // expired ones too
  std::string private_dns(const net::Ip& ip) const;

  // IMDS of one instance; by (card, device), MAC for equal ones.
  std::vector<ImdsEni> imds_enis(const net::InstanceId& instance, base::Instant now) const;
  std::vector<net::Cidr> imds_vpc_cidrs(const net::InstanceId& instance, base::Instant now) const;
  /// The keys of the instance's role: the same until five minutes before they expire.
  AccessKey role_key(const net::InstanceId& instance, base::Instant now);

  Faults& faults() { return faults_; }
  ImdsFaults& imds_faults(const net::InstanceId& id) { return imds_faults_[id]; }

  /// The invariants of spec aws.md 6.11; an Error names the first that does not hold.
  Result<> check() const;

 private:
  struct Blocks {
    std::vector<net::Ip> addresses;
    std::vector<net::Cidr> prefixes;
  };
  struct Transition {
    net::EniId eni;
    net::AttachmentId attachment;
    bool ends = false;
  };
  struct Token {
    std::string fingerprint;
    net::EniId eni;
    base::SteadyTime at{};
  };

  std::string new_id(std::string_view prefix);
  std::uint64_t next_random();
  Result<Eni*> get_eni(const net::EniId& id);
  Result<Instance*> get_instance(const net::InstanceId& id);
  aws::Tags* tags_of(const std::string& resource);
  Result<> check_groups(const std::vector<net::SecurityGroupId>& groups,
                        const net::VpcId& vpc) const;
  Result<> check_new(const NewInterface& wanted, const Subnet& subnet) const;
  Result<> check_attach(const Eni& eni, const Instance& instance, net::NetworkCard card,
                        net::DeviceIndex device) const;
  int slot_limit(const Eni& eni) const;
  Result<Blocks> reserve(Subnet& subnet, int addresses, int prefixes, const Blocks& given,
                         base::Instant now);
  void add_blocks(Eni& eni, const Blocks& blocks, base::Instant now);
  void give_back(Eni& eni, const net::Cidr& block, base::Instant now);
  void take_ipv6(Subnet& subnet, Eni& eni, int addresses, int prefixes, base::Instant now);
  void forget(const net::EniId& id, base::Instant now);  // gives everything back
  Eni& make_eni(const NewInterface& wanted, Subnet& subnet, const Blocks& blocks,
                base::Instant now);
  void join(Eni& eni, const Instance& instance, net::NetworkCard card, net::DeviceIndex device,
            base::Instant now);
  void end_attachment(Eni& eni, base::SteadyTime at);
  void list_in_imds(const Eni& eni, base::SteadyTime mac, base::SteadyTime rest);
  void update_imds(const Eni& eni, base::SteadyTime visible);
  void link_change(const Eni& eni, bool attached, base::SteadyTime at);
  void address_change(const Eni& eni, const net::Cidr& block, bool assigned, base::SteadyTime at);

  ModelOptions options_;
  mutable LimitsTable known_limits_;  // what the built-in table has answered
  std::uint64_t counter_ = 0;
  std::map<net::VpcId, Vpc> vpcs_;
  std::map<net::VpcId, Lagging<std::vector<net::Cidr>>> vpc_cidrs_;  // as IMDS shows them
  std::map<net::SubnetId, Subnet> subnets_;
  std::map<net::SecurityGroupId, SecurityGroup> groups_;
  std::map<net::InstanceId, Instance> instances_;
  std::map<net::EniId, Eni> enis_;
  std::set<net::EniId> linked_;  // whose link is in its instance
  std::multimap<base::SteadyTime, Transition> due_;
  std::map<net::InstanceId, std::map<net::Mac, ImdsEntry>> imds_;
  std::map<std::string, Token> tokens_;
  std::map<std::string, AccessKey, std::less<>> keys_;
  std::map<net::InstanceId, std::string> role_keys_;  // newest key id
  std::vector<Change> changes_;
  Faults faults_;
  std::map<net::InstanceId, ImdsFaults> imds_faults_;
};

/// A refusal as EC2 words it.
Error refusal(std::string code, std::string message);
/// "does not exist" of one resource (spec aws.md 6.4).
Error no_such_eni(const net::EniId& id);
Error no_such_instance(const net::InstanceId& id);

}  // namespace vpccni::vpc
