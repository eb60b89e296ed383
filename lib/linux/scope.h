#pragma once
// How far an address or a route reaches, in the kernel's numbers.

#include <cstdint>

namespace vpccni::linux {

enum class Scope : std::uint8_t { universe = 0, link = 253, host = 254, nowhere = 255 };

}  // namespace vpccni::linux
