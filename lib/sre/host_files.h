#pragma once
// Files of the node that are not ours.

#include <optional>
#include <string>
#include <vector>

namespace vpccni::sre {

/// Whether networkd leaves rules and routes alone that it did not make, by its files below `root`
/// ("" = as we see them). nullopt: it has not run there. Its default, since systemd 249, is no.
std::optional<bool> networkd_keeps_rules(const std::string& root);
/// The same, from the texts of its files in the order in which they count. Pure.
bool keeps_foreign_rules(const std::vector<std::string>& files);

/// How the node's plugin differs from the one beside this program, in words; "" if it does not, or
/// if one of both directories is not there.
std::string compare_plugin(const std::string& bin_dir);

}  // namespace vpccni::sre
