#pragma once
// The daemon: one loop thread that owns the core and all sockets, and three threads for work that
// blocks (pool: EC2 and kernel; side: IMDS refreshes; host: what must not wait for either);
// Kubernetes has its own (cluster.h). Each turn of the loop is one batch: events, one checkpoint
// write, replies. No lock is needed beyond the queues and the kernel edge's list of ENIs.

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/branch_pods.h"
#include "agent/cluster.h"
#include "agent/connection_flush.h"
#include "agent/execute.h"
#include "agent/failed_adds.h"
#include "agent/late_dels.h"
#include "agent/leaked_schedule.h"
#include "agent/rpc_service.h"
#include "agent/self_healing.h"
#include "agent/start.h"
#include "agent/targets.h"
#include "agent/worker.h"
#include "event/loop.h"
#include "http/server.h"
#include "metrics/registry.h"
#include "rpc/server.h"

namespace vpccni::agent {

/// Where the agent listens. Empty or 0 means: not.
struct Listen {
  std::string rpc_address = "127.0.0.1";
  int rpc_port = 50051;
  std::string rpc_socket = "/var/run/aws-node/ipamd.sock";
  std::string introspection = "127.0.0.1:61679";  // or unix:<path>
  int metrics_port = 61678;
};

struct AgentOptions {
  Listen listen;
  ipam::CheckpointFiles files;
  std::string release_journal{rpc::kReleaseJournal};
  std::string fips;         // JSON of the start's check of the module, for introspection
  std::stop_source ending;  // asked to stop when the edges' waits shall end, too
};

class Agent {
 public:
  /// `cluster` may be null (no API server configured), and ends before the agent does. All
  /// references outlive the agent.
  Agent(event::Loop& loop, const Edges& edges, Started started, std::unique_ptr<Cluster> cluster,
        metrics::Registry& metrics, AgentOptions options);
  ~Agent();

  /// Opens the sockets. Errors name the address.
  Result<> listen();
  /// Ends with the loop: SIGTERM or SIGINT stop growth and shrinking, finish what runs, return.
  void run();

 private:
  /// An RPC that waits for its reply.
  struct Caller {
    rpc::Done done;
    ipam::PodInfo pod;
    ipam::PodKey key;  // of an ADD
    base::SteadyTime begin{};
  };
  /// What the agent keeps beside the core of each network card.
  struct Card {
    Node node;
    ipam::CheckpointFiles files;
    std::string recent_written = {};  // the side files' bytes: they are written only on change
    std::string quarantine_written = {};
  };

  // agent_serve.cc
  void serve_rpc();
  void add_network(std::string_view bytes, rpc::Done done);
  void add_pool_pod(Caller caller, Result<ipam::PodAdd> event, bool on_every_card);
  void del_network(std::string_view bytes, rpc::Done done);
  void note_given(const Caller& caller);
  void note_failed(const Caller& caller, const ipam::AddFailure& why);
  void answer(const http::ServerRequest& request, const std::shared_ptr<http::Responder>& to);
  void scrape(const http::ServerRequest& request, http::Responder& to);
  bool ready();

  void commit();
  void perform(ipam::PodAdded& reply);
  void perform(ipam::PodDeleted& reply);
  // Of the pool of that number.
  void perform(std::size_t pool, ipam::WriteCheckpoint& effect);
  void perform(std::size_t pool, ipam::Execute& effect);
  void perform(std::size_t pool, ipam::Observe& effect);
  void perform(std::size_t pool, ipam::AdoptEni& effect);
  void perform(std::size_t pool, ipam::ForgetEni& effect);
  void perform(std::size_t pool, ipam::Report& effect);
  Result<> write_recent(Card& card, const std::string& bytes);
  void write_quarantine(Card& card, const std::string& bytes);
  void post_event(std::size_t pool, ipam::Event event);  // from a worker
  void refresh_vpc_cidrs();
  podnet::WantedHost wanted_host() const;
  void take_late_dels();
  void refresh_security_groups();

  // agent_branch.cc
  void serve_branch_pods();
  void await_trunk();
  std::vector<k8s::CniNode::Feature> wanted_features() const;
  void add_branch_pod(Caller caller, const BranchPods::Branch& branch);
  void del_branch_pod(Caller caller, ipam::PodDel event, const std::string& uid);

  // agent_cluster.cc
  void follow_cluster();
  void node_changed(const NodeFacts& facts);
  void tell_quarantined();
  void tell_failed_add(const ipam::PodInfo& pod, const ipam::AddFailure& why);
  void annotate_then_reply(Caller caller, ::rpc::AddNetworkReply reply);
  void clear_then_reply(Caller caller, ::rpc::DelNetworkReply reply);
  void terminate();
  std::vector<net::EniId> known_enis(std::size_t pool) const;
  void compare_with_imds(std::size_t pool, const std::vector<ipam::ObservedEni>& listed,
                         const std::vector<net::EniId>& known);
  ipam::Token next_token() { return ++token_; }

  event::Loop& loop_;
  Edges edges_;
  Node node_;  // as of card 0
  std::unique_ptr<ipam::Pools> pools_;
  std::vector<Card> cards_;  // by pool
  metrics::Registry& metrics_;
  AgentOptions options_;
  ReplyFacts facts_;
  ipam::Token token_ = 0;
  std::map<ipam::Token, Caller> waiting_;
  FailedAdds failed_;
  std::vector<net::SecurityGroupId> groups_;
  bool checkpoint_written_ = false;  // in this pass of commit()
  bool terminating_ = false;
  EffectiveTargets targets_;                  // what the core's targets were made from
  std::set<net::Ip> quarantine_told_;         // in events
  std::optional<NodeFacts> node_facts_;       // once the API server has told
  std::map<ipam::Token, Caller> annotating_;  // replies that wait for the API server
  bool ready_ = false;                        // there have been enough addresses

  std::vector<event::Registration> timers_;
  event::Registration tick_;
  std::unique_ptr<LeakedSchedule> leaked_;
  rpc::Server rpc_;
  http::Server introspection_;
  http::Server metrics_server_;
  bool asking_trunk_ = false;
  bool place_for_trunk_ = true;  // at the last look: that it is gone is said once
  base::SteadyTime ask_trunk_at_{};
  std::vector<k8s::CniNode::Feature> asked_features_;
  std::unique_ptr<BranchPods> branches_;  // null: security groups for pods are off
  std::unique_ptr<Cluster> cluster_;      // the workers tell it what EC2 denies
  std::unique_ptr<SelfHealing> healing_;  // null: rules and routes are left as they are
  std::unique_ptr<ConnectionFlush> connections_;
  std::unique_ptr<LateDels> late_dels_;
  Listings listings_;  // the pool worker's
  Worker side_;
  Worker host_;
  Worker pool_;  // last: the workers' tasks use the others
};

}  // namespace vpccni::agent
