#pragma once
// Private to lib/podnet: reading tables, planning, and one transaction, as often as others that
// change the same tables come between.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "linux/iptables.h"

namespace vpccni::podnet {

/// `plan` gets the tables in the order of their names; an empty plan is done. True if there was
/// something to do.
Result<bool> apply_plan(
    const linux::Iptables& iptables, const std::vector<std::string_view>& tables,
    const std::function<std::string(const std::vector<linux::SavedTable>&)>& plan);

}  // namespace vpccni::podnet
