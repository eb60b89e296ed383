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

}  // namespace vpccni::linux
