#pragma once
// Takes in the DELs that plugins wrote down while no agent answered (rpc/release_journal.h;
// users.md C13): their runtime will not call again. An address is forgotten only once the kernel
// has no route to it through a pod's link, its rules go before, and the record goes after what it
// led to is durable; so a crash anywhere repeats a step.

#include <functional>
#include <optional>
#include <set>

#include "agent/kernel.h"
#include "agent/worker.h"
#include "base/log.h"
#include "event/loop.h"
#include "rpc/release_journal.h"
#include "rpc/server.h"

namespace vpccni::agent {

/// Lives on the loop's thread; the worker looks at the kernel. What is referenced outlives it.
class LateDels {
 public:
  struct Sources {
    /// The addresses that are held for the request's pod; none if the pod is not known.
    std::function<std::vector<net::Ip>(const ::rpc::DelNetworkRequest&)> addresses;
    /// The DelNetwork method.
    std::function<void(std::string_view bytes, rpc::Done done)> del;
  };

  LateDels(event::Loop& loop, Worker& worker, Kernel& kernel, const base::Log& log,
           rpc::ReleaseJournal journal, Sources sources)
      : loop_(loop),
        worker_(worker),
        kernel_(kernel),
        log_(log),
        journal_(std::move(journal)),
        sources_(std::move(sources)) {}

  /// One pass; nothing while one runs.
  void look();
  /// Its pod's DEL is among those: nothing of it is to be put back into the kernel.
  bool takes(const net::Ip& address) const { return leaving_.contains(address); }

 private:
  struct Late {
    rpc::ReleaseJournal::Record record;
    std::vector<net::Ip> addresses;
  };
  std::vector<Late> read();
  void release(const Late& late);
  void forget(const rpc::ReleaseJournal::Record& record);
  void warn_once(const std::string& what, const std::string& error);

  event::Loop& loop_;
  Worker& worker_;
  Kernel& kernel_;
  const base::Log& log_;
  rpc::ReleaseJournal journal_;
  Sources sources_;
  bool running_ = false;
  std::set<net::Ip> leaving_;     // as of the last look
  std::set<std::string> warned_;  // each trouble is said once
};

}  // namespace vpccni::agent
