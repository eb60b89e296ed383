#include "agent/late_dels.h"

#include <algorithm>

namespace vpccni::agent {

void LateDels::warn_once(const std::string& what, const std::string& error) {
  constexpr std::size_t kMost = 256;
  if (warned_.size() < kMost && warned_.insert(what).second) {
    log_.warn(what, {{"error", error}});
  }
}

void LateDels::forget(const rpc::ReleaseJournal::Record& record) {
  if (auto gone = journal_.forget(record); !gone) {
    warn_once("a record of the release journal cannot be removed; remove it by hand",
              gone.error().message);
  }
}

/// Those whose pod is known. Nothing is held for the others: what only the kernel shows of them
/// goes when their route goes.
std::vector<LateDels::Late> LateDels::read() {
  std::vector<Late> known;
  leaving_.clear();
  const auto contents = journal_.read();
  if (!contents) {
    warn_once(
        "the release journal cannot be read; addresses of pods deleted while no agent ran "
        "may stay held",
        contents.error().message);
    return known;
  }
  for (const auto& name : contents->unread) {
    warn_once("a file in the release journal is no record; it is left there", name);
  }
  for (const auto& record : contents->records) {
    if (const auto addresses = sources_.addresses(record.request); !addresses.empty()) {
      known.push_back({record, addresses});
      leaving_.insert(addresses.begin(), addresses.end());
    } else {
      forget(record);
    }
  }
  return known;
}

void LateDels::look() {
  if (running_) {
    return;
  }
  auto late = read();
  if (late.empty()) {
    return;
  }
  running_ = true;
  worker_.post([this, late = std::move(late)](const std::stop_token&) mutable {
    std::string trouble;
    const auto pods = kernel_.host_pods();
    if (!pods) {
      trouble = pods.error().message;
      late.clear();
    }
    std::erase_if(late, [&](const Late& one) {
      const bool routed =
          std::any_of(pods->routes.begin(), pods->routes.end(), [&](const auto& route) {
            return std::find(one.addresses.begin(), one.addresses.end(), route.address) !=
                   one.addresses.end();
          });
      if (routed) {
        return true;  // the pod may still use it: its link is there
      }
      for (const auto& address : one.addresses) {
        if (auto gone = kernel_.remove_pod_rules(address); !gone) {
          trouble = gone.error().message;
          return true;
        }
      }
      return false;
    });
    loop_.post([this, late = std::move(late), trouble] {
      running_ = false;
      if (!trouble.empty()) {
        warn_once("a pod deleted while no agent ran keeps its address for now", trouble);
      }
      std::for_each(late.begin(), late.end(), [this](const Late& one) { release(one); });
    });
  });
}

/// An ADD of the same sandbox takes the record away before it asks for an address.
void LateDels::release(const Late& late) {
  if (!journal_.holds(late.record) || sources_.addresses(late.record.request) != late.addresses) {
    return;
  }
  sources_.del(late.record.request.SerializeAsString(), [this, late](const rpc::Status& status,
                                                                     std::string_view) {
    if (status.code != rpc::Code::ok) {
      warn_once("a pod deleted while no agent ran keeps its address for now", status.message);
      return;  // the next look tries again
    }
    log_.info("address of a pod that was deleted while no agent answered is free",
              {{"pod",
                late.record.request.k8s_pod_namespace() + "/" + late.record.request.k8s_pod_name()},
               {"address", to_string(late.addresses.front())}});
    forget(late.record);
  });
}

}  // namespace vpccni::agent
