#include "linux/addresses.h"

#include <linux/if_addr.h>

#include "linux/netlink_handle.h"

namespace vpccni::linux {

namespace {

ifaddrmsg header_for(const Address& address) {
  ifaddrmsg header{};
  header.ifa_family = kernel_family(address.value.address.family());
  header.ifa_prefixlen = static_cast<std::uint8_t>(address.value.length);
  header.ifa_index = static_cast<std::uint32_t>(address.link.value());
  return header;
}

}  // namespace

Address address_of(net::IfIndex link, const net::IpInterface& value) {
  Address address{.link = link, .value = value};
  if (value.address.is_v4() && value.length < 31) {
    const net::Cidr network = value.network();
    address.broadcast = network.at(network.size() - 1);
  }
  return address;
}

Request add_address(const Address& address) {
  Message message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
  ifaddrmsg header = header_for(address);
  header.ifa_scope = static_cast<std::uint8_t>(address.scope);
  header.ifa_flags = address.is_unique ? IFA_F_NODAD : 0;
  message.append(header);
  message.put(IFA_LOCAL, address.value.address);
  message.put(IFA_ADDRESS, address.value.address);
  if (address.broadcast) {
    message.put(IFA_BROADCAST, *address.broadcast);
  }
  return message.request("add address " + to_string(address.value));
}

Request delete_address(const Address& address) {
  Message message(RTM_DELADDR, 0);
  message.append(header_for(address));
  message.put(IFA_LOCAL, address.value.address);
  message.put(IFA_ADDRESS, address.value.address);
  return message.request("delete address " + to_string(address.value));
}

Result<std::vector<Address>> addresses(Netlink& netlink, net::IfIndex link, net::Family family) {
  Message message(RTM_GETADDR, NLM_F_DUMP);
  ifaddrmsg header{};
  header.ifa_family = kernel_family(family);
  header.ifa_index = static_cast<std::uint32_t>(link.value());
  message.append(header);
  VPCCNI_TRY(const auto objects, netlink.dump(message.request("list addresses")));
  std::vector<Address> all;
  for (const std::string& bytes : objects) {
    const Object<ifaddrmsg, IFA_MAX> object(bytes);
    if (!object.valid() || object.header().ifa_index != header.ifa_index ||
        object.header().ifa_family != header.ifa_family) {
      continue;
    }
    // IFA_LOCAL is this end's address; IPv6 has only IFA_ADDRESS.
    const auto ip = object.ip(IFA_LOCAL) ? object.ip(IFA_LOCAL) : object.ip(IFA_ADDRESS);
    if (ip) {
      all.push_back({.link = link,
                     .value = {*ip, object.header().ifa_prefixlen},
                     .broadcast = object.ip(IFA_BROADCAST),
                     .permanent = (object.header().ifa_flags & IFA_F_PERMANENT) != 0});
    }
  }
  return all;
}

}  // namespace vpccni::linux
