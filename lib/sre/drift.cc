#include "sre/drift.h"

#include <algorithm>
#include <array>
#include <map>

namespace vpccni::sre {

namespace {

Known as_known(bool seen, bool there) {
  return !seen ? Known::unseen : there ? Known::yes : Known::no;
}

}  // namespace

std::vector<net::Ip> routed_addresses(const NodeView& view) {
  std::vector<net::Ip> out;
  for (const auto& route : view.kernel.routes) {
    const auto link = std::find_if(view.kernel.links.begin(), view.kernel.links.end(),
                                   [&](const auto& one) { return one.index == route.link; });
    if (route.table == net::kMainTable && route.destination.is_host() &&
        link != view.kernel.links.end() &&
        link->name.starts_with(view.wanted.network.veth_prefix)) {
      out.push_back(route.destination.base());
    }
  }
  return out;
}

std::string_view to_string(Known known) {
  switch (known) {
    case Known::no:
      return "no";
    case Known::yes:
      return "yes";
    case Known::unseen:
      return "?";
  }
  return "?";
}

bool DriftRow::differs() const {
  const std::array<Known, 5> all = {agent, checkpoint, kernel, imds, ec2};
  return std::find(all.begin(), all.end(), Known::yes) != all.end() &&
         std::find(all.begin(), all.end(), Known::no) != all.end();
}

std::vector<DriftRow> find_drift(const NodeView& view) {
  std::map<net::Ip, DriftRow> rows;
  const auto kernel = routed_addresses(view);
  for (const auto& address : kernel) {
    rows[address].address = address;
  }
  for (const auto& pod : view.pods) {
    auto& row = rows[pod.held.address];
    row.address = pod.held.address;
    row.pod = pod.held.pod.name_space + "/" + pod.held.pod.name;
  }
  std::vector<DriftRow> out;
  for (auto& each : rows) {
    const net::Ip& address = each.first;
    DriftRow& row = each.second;
    const auto pod = std::find_if(view.pods.begin(), view.pods.end(),
                                  [&](const PodRow& one) { return one.held.address == address; });
    const bool held = pod != view.pods.end();
    row.agent = as_known(view.agent_answers(), held && pod->in_agent);
    row.checkpoint = as_known(view.checkpoint_trouble.empty(), held && pod->in_checkpoint);
    row.kernel = as_known(view.kernel_trouble.empty(),
                          std::find(kernel.begin(), kernel.end(), address) != kernel.end());
    row.imds = as_known(view.imds_trouble.empty(), eni_of(view.imds_enis, address) != nullptr);
    row.ec2 = as_known(view.ec2_asked && view.ec2_trouble.empty(),
                       eni_of(view.ec2_enis, address) != nullptr);
    out.push_back(row);
  }
  return out;
}

}  // namespace vpccni::sre
