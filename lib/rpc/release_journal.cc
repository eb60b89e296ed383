#include "rpc/release_journal.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/files.h"

namespace vpccni::rpc {

namespace {

constexpr std::size_t kLargestRecord = 65536;
constexpr std::size_t kLongestName = 240;  // of 255; the rest is for the temporary file's suffix
constexpr std::string_view kTemporary = ".tmp";

Result<std::string> file_name(std::string_view container, std::string_view interface) {
  std::string name = std::string(container) + "-" + std::string(interface);
  const bool fits = !container.empty() && !interface.empty() && container.front() != '.' &&
                    name.size() <= kLongestName && name.find('/') == std::string::npos &&
                    name.find('\0') == std::string::npos;
  if (!fits) {
    return Error{Errc::invalid_argument, "no file name: container ID and interface name"};
  }
  return name;
}

Result<> remove_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT && errno != ENOTDIR) {
    return errno_error(errno, "unlink " + path);
  }
  return {};
}

/// Half-written ones of a plugin that was killed: nobody was told that their DEL is done.
bool is_temporary(std::string_view name) {
  constexpr std::size_t kRandom = 6;
  return name.size() > kTemporary.size() + kRandom &&
         name.substr(name.size() - kTemporary.size() - kRandom, kTemporary.size()) == kTemporary;
}

}  // namespace

std::string ReleaseJournal::path(std::string_view file) const {
  return directory_ + "/" + std::string(file);
}

Result<> ReleaseJournal::put(const ::rpc::DelNetworkRequest& request) const {
  VPCCNI_TRY(const auto name, file_name(request.containerid(), request.ifname()));
  VPCCNI_CHECK(base::make_directories(directory_, 0700));
  return base::write_file_durably(path(name), request.SerializeAsString());
}

Result<> ReleaseJournal::forget(std::string_view container, std::string_view interface) const {
  const auto name = file_name(container, interface);
  return name ? remove_file(path(*name)) : Result<>();  // what has no name was never put
}

Result<> ReleaseJournal::forget(const Record& record) const {
  return remove_file(path(record.file));
}

bool ReleaseJournal::holds(const Record& record) const {
  return ::access(path(record.file).c_str(), F_OK) == 0;
}

Result<ReleaseJournal::Contents> ReleaseJournal::read() const {
  Contents out;
  std::error_code error;
  std::filesystem::directory_iterator entry(directory_, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (is_temporary(name)) {
      continue;
    }
    Record record{name, {}};
    const auto bytes = base::read_file(path(name), kLargestRecord);
    if (!bytes && bytes.error().code == Errc::not_found) {
      continue;
    }
    if (!bytes || !record.request.ParseFromString(*bytes) || record.request.containerid().empty() ||
        record.request.ifname().empty()) {
      out.unread.push_back(name);
    } else if (out.records.size() < kMostRecords) {
      out.records.push_back(std::move(record));
    }
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return errno_error(error.value(), "read " + directory_);
  }
  return out;
}

}  // namespace vpccni::rpc
