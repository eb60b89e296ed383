#include "linux/neighbours.h"

#include <linux/neighbour.h>

#include "linux/netlink_handle.h"

namespace vpccni::linux {

Request add_neighbour(net::IfIndex link, const net::Ip& ip, const net::Mac& mac) {
  Message message(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL);
  ndmsg header{};
  header.ndm_family = kernel_family(ip.family());
  header.ndm_ifindex = link.value();
  header.ndm_state = NUD_PERMANENT;
  message.append(header);
  message.put(NDA_DST, ip);
  message.put(NDA_LLADDR, mac);
  return message.request("add neighbour " + to_string(ip));
}

Result<std::vector<Neighbour>> neighbours(Netlink& netlink, net::IfIndex link, net::Family family) {
  Message message(RTM_GETNEIGH, NLM_F_DUMP);
  ndmsg header{};
  header.ndm_family = kernel_family(family);
  message.append(header);
  message.put(NDA_IFINDEX, static_cast<std::uint32_t>(link.value()));
  VPCCNI_TRY(const auto objects, netlink.dump(message.request("list neighbours")));
  std::vector<Neighbour> all;
  for (const std::string& bytes : objects) {
    const Object<ndmsg, NDA_MAX> object(bytes);
    if (!object.valid() || object.header().ndm_ifindex != link.value()) {
      continue;
    }
    const auto ip = object.ip(NDA_DST);
    const auto mac = object.mac(NDA_LLADDR);
    if (ip && mac) {
      all.push_back({*ip, *mac});
    }
  }
  return all;
}

}  // namespace vpccni::linux
