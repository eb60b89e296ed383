#pragma once
// A .tar.gz of texts, for the support bundle.

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace vpccni::sre {

struct ArchiveFile {
  std::string name;  // relative, at most 99 bytes
  std::string text;
};

/// The archive's bytes; files in the order given, of root, 0600, with that time.
Result<std::string> make_archive(const std::vector<ArchiveFile>& files, base::WallTime time);

}  // namespace vpccni::sre
