#include "agent/choose_subnet.h"

#include <algorithm>
#include <set>

namespace vpccni::agent {

namespace {

constexpr auto kDiscoveryTag = "kubernetes.io/role/cni";
constexpr int kDeviceIndexes = 100;  // 0…99 (upstream lets 100 pass and overruns its table: Q26)

}  // namespace

std::vector<aws::Subnet> candidate_subnets(std::vector<aws::Subnet> subnets,
                                           const net::SubnetId& primary, bool discovery) {
  std::erase_if(subnets, [&](const aws::Subnet& subnet) {
    return subnet.id != primary && !(discovery && subnet.tags.contains(kDiscoveryTag));
  });
  std::stable_sort(subnets.begin(), subnets.end(), [](const auto& a, const auto& b) {
    return a.available_addresses > b.available_addresses;
  });
  return subnets;
}

int free_device_index(const std::vector<aws::Attachment>& attachments, net::NetworkCard card) {
  std::set<int> used;
  for (const auto& attachment : attachments) {
    if (attachment.card == card) {
      used.insert(attachment.device.value());
    }
  }
  for (int index = 0; index < kDeviceIndexes; ++index) {
    if (!used.contains(index)) {
      return index;
    }
  }
  return -1;
}

}  // namespace vpccni::agent
