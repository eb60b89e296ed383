#include "aws/measured_imds.h"

#include <utility>

namespace vpccni::aws {

namespace {

using Names = std::pair<std::string_view, std::string_view>;

constexpr std::string_view kRoot = "meta-data/";
constexpr Names kOfInstance[] = {
    {"placement/availability-zone", "GetAZ"},
    {"local-ipv4", "GetLocalIPv4"},
    {"ipv6", "GetIPv6"},
    {"instance-id", "GetInstanceID"},
    {"instance-type", "GetInstanceType"},
    {"mac", "GetMAC"},
    {"network/interfaces/macs", "GetMACs"},
};

constexpr std::string_view kInterfaces = "network/interfaces/macs/";
constexpr Names kOfInterface[] = {
    {"", "GetMACImdsFields"},
    {"interface-id", "GetInterfaceID"},
    {"device-number", "GetDeviceNumber"},
    {"subnet-id", "GetSubnetID"},
    {"vpc-id", "GetVpcID"},
    {"security-group-ids", "GetSecurityGroupIDs"},
    {"network-card", "GetNetworkCard"},
    {"local-ipv4s", "GetLocalIPv4s"},
    {"ipv6s", "GetIPv6s"},
    {"ipv4-prefix", "GetIPv4Prefixes"},
    {"ipv6-prefix", "GetIPv6Prefixes"},
    {"subnet-ipv4-cidr-block", "GetSubnetIPv4CIDRBlock"},
    {"subnet-ipv6-cidr-blocks", "GetSubnetIPv6CIDRBlocks"},
    {"vpc-ipv4-cidr-blocks", "GetVPCIPv4CIDRBlocks"},
    {"vpc-ipv6-cidr-blocks", "GetVPCIPv6CIDRBlocks"},
};

template <std::size_t N>
std::string_view find(const Names (&names)[N], std::string_view document) {
  for (const auto& [path, call] : names) {
    if (path == document) {
      return call;
    }
  }
  return {};
}

}  // namespace

std::string_view imds_call(std::string_view path) {
  if (!path.starts_with(kRoot)) {
    return {};
  }
  path.remove_prefix(kRoot.size());
  if (!path.starts_with(kInterfaces)) {
    return find(kOfInstance, path);
  }
  path.remove_prefix(kInterfaces.size());
  const auto slash = path.find('/');
  return find(kOfInterface, slash == std::string_view::npos ? "" : path.substr(slash + 1));
}

Result<std::optional<std::string>> MeasuredImds::get(const std::string& path) {
  auto document = ImdsHttp::get(path);
  if (!document) {
    if (const auto call = imds_call(path); !call.empty()) {
      metrics_.add<metrics::Metric::awscni_aws_api_error_count>({call, "IMDSRequestError"});
    }
  }
  return document;
}

}  // namespace vpccni::aws
