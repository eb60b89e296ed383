#include "agent/leaked_enis.h"

#include "agent/count_errors.h"
#include "agent/eni_tags.h"
#include "aws/ec2_error.h"
#include "base/retry.h"

namespace vpccni::agent {

namespace {

constexpr auto kYoung = std::chrono::minutes(5);
constexpr std::string_view kDescription = "aws-K8S-";

// As upstream's, but only for what may pass: the next hour tries again.
constexpr base::Backoff kDelete{.first = std::chrono::milliseconds(500),
                                .max = std::chrono::seconds(60),
                                .jitter = 0.15,
                                .multiple = 2,
                                .tries = 12};

LeakedEni decide(const aws::Eni& eni, base::WallTime now) {
  using Action = LeakedEni::Action;
  if (!eni.description.starts_with(kDescription)) {
    return {eni.id, Action::keep, "its description says that others made it"};
  }
  if (eni.attachment || eni.status != "available") {
    return {eni.id, Action::keep, "it is in use"};
  }
  const auto tag = eni.tags.find(std::string(kCreatedAtTag));
  if (tag == eni.tags.end()) {
    return {eni.id, Action::stamp, "it has no time of creation"};
  }
  const auto created = parse_created_at(tag->second);
  if (!created) {
    return {eni.id, Action::stamp, "its time of creation cannot be read"};
  }
  if (now - *created < kYoung) {
    return {eni.id, Action::keep, "it is younger than five minutes"};
  }
  return {eni.id, Action::remove, "it is unattached, made at " + tag->second};
}

Result<> act(const Edges& edges, const LeakedEni& one, const std::stop_token& stop) {
  if (one.action == LeakedEni::Action::stamp) {
    return tag_eni(edges, one.eni,
                   {{std::string(kCreatedAtTag), format_created_at(edges.clock.now().wall)}}, stop);
  }
  edges.log.info("removing a leaked ENI", {{"eni", to_string(one.eni)}, {"because", one.because}});
  auto removed = base::retry(edges.clock, kDelete, stop, aws::is_transient,
                             [&] { return edges.ec2.remove(one.eni); });
  if (!removed && removed.error().code == Errc::not_found) {
    return {};  // another node was quicker
  }
  if (!removed) {
    count_refused(edges, "cleanUpLeakedENIDeleteErr", removed.error());
  }
  return removed;
}

}  // namespace

aws::EniFilter leaked_filter(const net::VpcId& vpc, const std::string& cluster) {
  aws::EniFilter filter;
  filter.filters = {{"tag-key", {"node.k8s.amazonaws.com/instance_id"}},
                    {"status", {"available"}},
                    {"vpc-id", {to_string(vpc)}}};
  if (!cluster.empty()) {
    filter.filters.emplace_back("tag:cluster.k8s.amazonaws.com/name", std::vector{cluster});
  }
  return filter;
}

std::vector<LeakedEni> plan_leaked(const std::vector<aws::Eni>& enis, base::WallTime now) {
  std::vector<LeakedEni> plan;
  for (const auto& eni : enis) {
    plan.push_back(decide(eni, now));
  }
  return plan;
}

bool cleans_leaked_enis(const settings::Settings& settings) {
  return !settings.disable_leaked_eni_cleanup && !settings.imds_only &&
         !settings.disable_provisioning && !settings.enable_ipv6;
}

void clean_leaked_enis(const Edges& edges, const Node& node, const std::stop_token& stop) {
  const auto enis =
      edges.ec2.network_interfaces(leaked_filter(node.identity.vpc, node.settings.cluster_name));
  if (!enis) {
    edges.log.warn("cannot look for leaked ENIs; ignoring, tried again in an hour",
                   {{"error", enis.error().message}});
    return;
  }
  for (const auto& one : plan_leaked(*enis, edges.clock.now().wall)) {
    if (one.action == LeakedEni::Action::keep) {
      continue;
    }
    if (stop.stop_requested()) {
      return;
    }
    const auto done = act(edges, one, stop);
    if (done) {
      continue;
    }
    edges.log.warn("a leaked ENI stays; ignoring, tried again in an hour",
                   {{"eni", to_string(one.eni)}, {"error", done.error().message}});
    if (done.error().code == Errc::denied || aws::is_transient(done.error())) {
      return;  // the others would fare the same
    }
  }
}

}  // namespace vpccni::agent
