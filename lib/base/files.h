#pragma once
// Whole-file reads and durable writes.

#include <string>
#include <string_view>

#include "base/result.h"

namespace vpccni::base {

/// The file's bytes. `exhausted` if it is larger than `limit`.
Result<std::string> read_file(const std::string& path, std::size_t limit = std::size_t{64} << 20U);

/// Replaces the file so that after a crash either the old or the new bytes are there:
/// temporary file in the same directory, write, fsync, rename, fsync of the directory.
/// The temporary file is removed on error. The directory must exist.
Result<> write_file_durably(const std::string& path, std::string_view bytes, unsigned mode = 0600);

/// Replaces the file in one step for whoever reads it, without waiting for the disk: after a crash
/// of the machine it may be lost. The directory must exist.
Result<> replace_file(const std::string& path, std::string_view bytes, unsigned mode = 0600);

/// Plain write to an existing file such as a sysctl; no newline is added.
Result<> write_existing(const std::string& path, std::string_view bytes);

/// mkdir -p.
Result<> make_directories(const std::string& path, unsigned mode = 0755);

}  // namespace vpccni::base
