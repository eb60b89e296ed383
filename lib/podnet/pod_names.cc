#include <algorithm>
#include <array>
#include <string>

#include "base/name_hash.h"
#include "podnet/pod.h"

namespace vpccni::podnet {

namespace {

// With a prefix of four characters this fills the kernel's 15.
constexpr std::size_t kHashDigits = 11;
// "VC": local, unicast, and told from the random MACs of other plugins.
constexpr std::array<std::uint8_t, 2> kMacPrefix = {0x56, 0x43};

std::string pod_hash(std::string_view name_space, std::string_view pod, int index) {
  std::string text(name_space);
  text += '.';
  text += pod;
  if (index > 0) {
    text += '.' + std::to_string(index);
  }
  return base::sha1_name_hex(text).substr(0, kHashDigits);
}

}  // namespace

std::string host_veth_name(std::string_view prefix, std::string_view name_space,
                           std::string_view pod, int index) {
  return std::string(prefix) + pod_hash(name_space, pod, index);
}

std::string container_link_name(std::string_view ifname, int index) {
  return index == 0 ? std::string(ifname) : "mNicIf" + std::to_string(index);
}

std::string dummy_name(std::string_view name_space, std::string_view pod) {
  return "dummy" + pod_hash(name_space, pod, 0);
}

net::Mac host_veth_mac(std::string_view container_id, std::string_view ifname) {
  std::string text(container_id);
  text += '/';
  text += ifname;
  const auto digest = base::sha1_name(text);
  std::array<std::uint8_t, 6> bytes{kMacPrefix[0], kMacPrefix[1]};
  std::copy_n(digest.begin(), bytes.size() - 2, bytes.begin() + 2);
  return net::Mac(bytes);
}

bool is_host_veth_mac(const net::Mac& mac) {
  return std::equal(kMacPrefix.begin(), kMacPrefix.end(), mac.bytes().begin());
}

}  // namespace vpccni::podnet
