#include "sre/node_view.h"

#include <algorithm>

namespace vpccni::sre {

namespace {

bool lists(const aws::ImdsEni& eni, const net::Ip& address) {
  const auto in = [&](const std::vector<net::Cidr>& blocks) {
    return std::any_of(blocks.begin(), blocks.end(),
                       [&](const net::Cidr& block) { return block.contains(address); });
  };
  return std::find(eni.addresses.begin(), eni.addresses.end(), address) != eni.addresses.end() ||
         in(eni.prefixes) || in(eni.ipv6_prefixes);
}

}  // namespace

const aws::ImdsEni* eni_of(const std::vector<aws::ImdsEni>& enis, const net::Ip& address) {
  const auto found = std::find_if(enis.begin(), enis.end(),
                                  [&](const aws::ImdsEni& eni) { return lists(eni, address); });
  return found == enis.end() ? nullptr : &*found;
}

}  // namespace vpccni::sre
