#include "agent/start.h"

#include <cstdio>

#include <algorithm>

#include "agent/attached.h"
#include "agent/effective.h"
#include "agent/find_limits.h"
#include "agent/host_chains.h"
#include "agent/startup_report.h"
#include "base/files.h"
#include "base/text.h"
#include "linux/iptables_variant.h"

namespace vpccni::agent {

namespace {

struct Starting {
  const Edges& edges;
  settings::Settings settings;  // as wanted, and once the limits are known as they count
  const LimitsTable& limits_table;
  std::stop_token stop;  // of the running step
  Node node;
  std::unique_ptr<ipam::Pools> pools;
  podnet::HostPods pods;
  Checkpoints checkpoints;
};

Result<> check_settings(Starting& s) {
  const auto refusals = settings::refusals(s.settings);
  if (!refusals.empty()) {
    return Error{Errc::invalid_argument, base::join(refusals, "; ")};
  }
  return {};
}

Result<> identify(Starting& s) {
  VPCCNI_TRY(s.node.identity, s.edges.imds.identity());
  return {};
}

Result<> find_limits(Starting& s) {
  const LimitsQuestion question{s.node.identity.type, s.settings.instance_limits_file,
                                !s.settings.imds_only};
  auto found = find_limits(question, s.limits_table, s.edges.ec2, s.edges.clock, s.stop);
  for (const auto& warning : found.warnings) {
    s.edges.log.warn(warning);
  }
  s.node.limits = std::move(found.limits);
  s.node.limits_assumed = found.source == LimitsSource::assumed;
  std::vector<settings::Note> notes;
  VPCCNI_TRY(s.settings, effective(std::move(s.settings), s.node.limits, notes));
  for (const auto& note : notes) {
    s.edges.log.warn("setting not used as written", {{"setting", to_string(note)}});
  }
  return {};
}

Result<> plan_host_network(Starting& s) {
  s.node.settings = s.settings;
  auto& network = s.node.network;
  const auto& set = s.settings;
  network.family = s.node.family();
  VPCCNI_TRY(network.vpc_cidrs, vpc_cidrs(s.edges.imds, s.node));
  network.primary_mac = s.node.identity.primary_mac;
  network.primary_ip = s.node.identity.local_ipv4;
  network.snat_exclusions = set.exclude_snat_cidrs;
  network.external_services = set.external_service_cidrs;
  network.external_snat = set.external_snat;
  network.node_port_support = set.node_port_support;
  network.randomize =
      set.randomize_snat == settings::RandomizeSnat::none   ? podnet::RandomizeSnat::none
      : set.randomize_snat == settings::RandomizeSnat::hash ? podnet::RandomizeSnat::hash
                                                            : podnet::RandomizeSnat::fully;
  network.mark = set.connmark;
  network.veth_prefix = set.veth_prefix;
  network.mtu = set.eni_mtu;
  network.strict_branches = set.strict_branches();
  network.v6_egress = set.enable_v6_egress;
  network.exempt_by_set = set.snat_ipset;
  return {};
}

Result<> set_up_chains(Starting& s) {
  s.node.network.iptables = linux::detect_variant();
  s.edges.log.info("iptables", {{"variant", std::string(to_string(s.node.network.iptables))}});
  std::string trouble;
  VPCCNI_CHECK(set_up_host(s.node.network, trouble));
  if (!trouble.empty()) {
    s.edges.log.warn("VPCCNI_SNAT_IPSET: no set, so a rule for each block as without the setting",
                     {{"error", trouble}});
  }
  return {};
}

Result<> read_files(Starting& s) {
  std::vector<net::NetworkCard> cards = {net::NetworkCard(0)};
  for (const auto& limit : s.node.limits.cards) {
    if (s.settings.enable_multi_nic && limit.card != cards.front()) {
      cards.push_back(limit.card);
    }
  }
  const ipam::CheckpointFiles files{s.settings.backing_store};
  for (const auto card : cards) {
    std::string trouble;
    s.checkpoints[card] = read_checkpoint(files.of_card(card), s.edges.clock.now().wall, trouble);
    if (!trouble.empty()) {
      s.edges.log.error(trouble);
    }
  }
  return {};
}

Result<> set_up_enis(Starting& s) {
  VPCCNI_TRY(const auto all, list_attached(s.edges, s.node));
  std::vector<std::unique_ptr<ipam::Core>> cores;
  for (const auto card : managed_cards(all.enis, s.node)) {
    const auto attached = attached_on(all, card);
    if (cores.empty()) {
      s.node.tracking = primary_tracking(attached.enis);
      for (const auto& [eni, is] : attached.left_out) {
        s.edges.log.info("an ENI is left alone",
                         {{"eni", to_string(eni.id)}, {"because", std::string(because(is))}});
      }
    }
    const Node node = s.node.on_card(card);
    cores.push_back(
        std::make_unique<ipam::Core>(core_options(node, attached.unmanaged), s.edges.clock.now()));
    bring_in(*cores.back(), s.edges, node, attached, s.checkpoints[card].recent, s.stop);
  }
  s.pools = std::make_unique<ipam::Pools>(std::move(cores));
  return {};
}

void tell(const Starting& s, const ipam::RestoreReport& report) {
  const auto& log = s.edges.log;
  for (const auto& one : report.quarantined) {
    log.warn(
        "a live pod's address is on no ENI that EC2 lists; kept in quarantine",
        {{"pod", one.pod.name_space + "/" + one.pod.name}, {"address", to_string(one.address)}});
  }
  for (const auto& one : report.recovered) {
    log.warn("a live pod is missing in the checkpoint; its address is kept",
             {{"address", to_string(one.address)}, {"link", one.key.container}});
  }
  for (const auto& text : report.conflicts) {
    log.error("checkpoint entries contradict each other; ignoring the later one",
              {{"entry", text}});
  }
  log.info("pods restored", {{"live", std::to_string(s.pools->assignments().size())},
                             {"vanished", std::to_string(report.dropped.size())}});
}

Result<> find_pods(Starting& s) {
  VPCCNI_TRY(s.pods, s.edges.kernel.host_pods());
  const auto reports = restore_pods(*s.pools, s.checkpoints, s.pods, s.node.network.veth_prefix,
                                    s.edges.clock.now());
  for (const auto& report : reports) {
    tell(s, report);
    for (const auto& gone : report.dropped) {
      if (auto removed = s.edges.kernel.remove_pod_rules(gone.address); !removed) {
        s.edges.log.warn(
            "rules of a vanished pod stay; ignoring",
            {{"address", to_string(gone.address)}, {"error", removed.error().message}});
      }
    }
  }
  return {};
}

Result<> refresh_rules(Starting& s) {
  for (const auto& held : s.pools->assignments()) {
    const net::Ip& address = held.assignment.address;
    if (!knows_table(s.pools->at(held.pool).store(), held.lease)) {
      continue;
    }
    if (auto done = podnet::refresh_pod_rule(address, held.lease.table); !done) {
      s.edges.log.warn("a pod's source rule cannot be refreshed; ignoring",
                       {{"address", to_string(address)}, {"error", done.error().message}});
    }
  }
  if (auto done = podnet::update_external_service_rules(s.node.network.external_services); !done) {
    s.edges.log.warn("external service rules cannot be set; ignoring",
                     {{"error", done.error().message}});
  }
  return {};
}

struct Step {
  std::string_view name;
  Result<> (*run)(Starting&);
};

constexpr Step kSteps[] = {
    {"check settings", check_settings},
    {"read the instance's identity from IMDS", identify},
    {"find the ENI limits of the instance type", find_limits},
    {"read the VPC's CIDRs from IMDS", plan_host_network},
    {"set up rules and chains of the host", set_up_chains},
    {"read the checkpoint", read_files},
    {"set up the attached ENIs", set_up_enis},
    {"restore pods from checkpoint and kernel", find_pods},
    {"refresh the rules of pods", refresh_rules},
};

}  // namespace

Checkpoint read_checkpoint(const ipam::CheckpointFiles& files, base::WallTime now,
                           std::string& trouble) {
  Checkpoint checkpoint;
  if (const auto bytes = base::read_file(files.recent(), std::size_t{1} << 20U)) {
    checkpoint.recent = ipam::parse_recent(*bytes);
  }
  const auto bytes = base::read_file(files.path);
  if (!bytes && bytes.error().code == Errc::not_found) {
    return checkpoint;
  }
  auto parsed =
      bytes ? ipam::parse_checkpoint(*bytes) : Result<std::vector<ipam::Assignment>>(bytes.error());
  if (parsed) {
    (void)base::write_file_durably(files.previous(), *bytes);  // a convenience, not a promise
    checkpoint.assignments = *std::move(parsed);
    return checkpoint;
  }
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  const std::string aside = files.path + ".unusable-" + std::to_string(seconds);
  const bool kept = std::rename(files.path.c_str(), aside.c_str()) == 0;
  trouble = "checkpoint " + files.path + ": " + parsed.error().message + "; " +
            (kept ? "kept as " + aside : "it could not be moved aside") +
            "; live pods are taken from the kernel";
  return checkpoint;
}

int start_step_count() {
  return static_cast<int>(std::size(kSteps));
}

Result<Started> start_up(const Edges& edges, const settings::Settings& settings,
                         const LimitsTable& limits_table, const StepListener& listener) {
  Starting starting{edges, settings, limits_table, {}, {}, {}, {}, {}};
  int number = 0;
  for (const Step& step : kSteps) {
    starting.stop = listener(++number, step.name);
    // Its waits and calls end with the step's time; what was done by then may be enough.
    VPCCNI_CHECK(wrap(step.run(starting), step.name));
  }
  return Started{std::move(starting.node), std::move(starting.pools)};
}

}  // namespace vpccni::agent
