#pragma once
// NO_PROXY as Go reads it: which hosts are reached without the proxy. Pure. Older libcurl knows no
// blocks in it, and EKS clusters put the service range there.

#include <string_view>

namespace vpccni::http {

/// `list`: comma separated; an address, a block, "example.com" (with all below it), ".example.com"
/// (what is below it), each with or without ":port"; "*" is everything. Loopback always is direct.
bool is_direct(std::string_view url, std::string_view list);

}  // namespace vpccni::http
