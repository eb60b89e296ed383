#include "agent/healer.h"

#include <algorithm>
#include <set>

namespace vpccni::agent {

void Healer::consider(const podnet::Fault& fault, Record& record, base::SteadyTime now,
                      Healing& result) {
  if (!record.missing_since) {
    record.missing_since = now;
    const bool soon = record.repaired && now - *record.repaired < kSoon;
    record.undone = soon ? record.undone + 1 : 0;
  }
  const base::Duration confirm = fault.repair.empty() ? base::Duration(kLost) : kConfirm;
  auto due = *record.missing_since + confirm;
  if (record.repaired) {
    due = std::max(due, *record.repaired + record.pause);
  }
  if (now < due) {
    result.again = result.again ? std::min(*result.again, due) : due;
    return;
  }
  if (fault.repair.empty()) {
    if (!record.named) {
      record.named = true;
      result.lost.push_back(fault.what);
    }
    return;
  }
  result.repair.push_back(fault);
  record.missing_since.reset();
  record.repaired = now;
  if (record.pause > base::Duration::zero() || record.undone >= kUndone) {
    record.pause = std::clamp<base::Duration>(record.pause * 2, kFirstPause, kLongestPause);
    result.fought.push_back(fault.what);
  }
}

Healing Healer::look(const std::vector<podnet::Fault>& found, base::SteadyTime now) {
  Healing result;
  std::set<std::string> missing;
  for (const podnet::Fault& fault : found) {
    if (missing.insert(fault.what).second) {
      consider(fault, records_[fault.what], now, result);
    }
  }
  for (auto& [what, record] : records_) {
    if (!missing.contains(what)) {
      record.missing_since.reset();
      record.named = false;
    }
    if (record.repaired && now - *record.repaired > record.pause + kPeace) {
      record.repaired.reset();
      record.pause = {};
    }
  }
  std::erase_if(records_, [](const auto& one) {
    return !one.second.missing_since && !one.second.repaired && !one.second.named;
  });
  return result;
}

void Healer::not_repaired(const std::string& what) {
  if (const auto record = records_.find(what); record != records_.end()) {
    record->second.repaired.reset();
  }
}

}  // namespace vpccni::agent
