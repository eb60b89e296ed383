#pragma once
// DELs that the runtime was told to be done although no agent confirmed them: each is the
// DelNetwork request that the plugin could not deliver, in a file of its own,
// <directory>/<container>-<interface>. The plugin writes, and takes its own back before an ADD; the
// agent reads, acts and removes. A value; calls block on the disk; no locks: files come and go
// whole.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "rpc/wire.pb.h"

namespace vpccni::rpc {

inline constexpr std::string_view kReleaseJournal = "/var/run/aws-node/release-queue";

class ReleaseJournal {
 public:
  struct Record {
    std::string file;  // its name in the directory
    ::rpc::DelNetworkRequest request;
  };
  struct Contents {
    std::vector<Record> records;      // at most kMostRecords at a time
    std::vector<std::string> unread;  // names of files that are no such request; they are left
  };
  static constexpr std::size_t kMostRecords = 1024;

  explicit ReleaseJournal(std::string directory = std::string(kReleaseJournal))
      : directory_(std::move(directory)) {}

  /// Durable when it returns. `invalid_argument` for names that make no file name.
  Result<> put(const ::rpc::DelNetworkRequest& request) const;
  /// Without such a record: success.
  Result<> forget(std::string_view container, std::string_view interface) const;
  Result<> forget(const Record& record) const;
  bool holds(const Record& record) const;
  /// Without the directory: nothing.
  Result<Contents> read() const;

 private:
  std::string path(std::string_view file) const;

  std::string directory_;
};

}  // namespace vpccni::rpc
