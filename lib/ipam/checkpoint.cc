#include "ipam/checkpoint.h"

#include <algorithm>

#include "base/json.h"
#include "base/text.h"

namespace vpccni::ipam {

namespace {

constexpr std::string_view kVersion = "vpc-cni-ipam/1";
constexpr std::size_t kLongestId = 64;  // of EC2's ids, with room

std::int64_t nanoseconds(base::WallTime at) {
  return at.time_since_epoch().count();
}

/// What cannot be a time of ours (Go writes its zero time as a large negative number) becomes the
/// nearest that can, so that intervals can be computed with it: 1970 to 2100.
base::WallTime wall_time(std::int64_t ns) {
  constexpr base::Duration kLatest = std::chrono::seconds(4'102'444'800);
  return base::WallTime(std::clamp(base::Duration(ns), base::Duration::zero(), kLatest));
}

/// Member by name without regard to case, exact name first (Go's decoder).
const base::Json* member(const base::Json& object, std::string_view name) {
  if (const auto* exact = base::find_member(object, name)) {
    return exact;
  }
  if (object.is_object()) {
    for (auto it = object.begin(); it != object.end(); ++it) {
      if (base::iequals(it.key(), name)) {
        return &it.value();
      }
    }
  }
  return nullptr;
}

Error corrupt(std::size_t index, std::string_view what) {
  return {Errc::corrupt, "allocation " + std::to_string(index) + ": " + std::string(what)};
}

/// Text member; absent or null is "", another type is an error.
Result<std::string> text(const base::Json& object, std::string_view name, std::size_t index) {
  const auto* value = member(object, name);
  if (value == nullptr || value->is_null()) {
    return std::string();
  }
  if (!value->is_string()) {
    return corrupt(index, std::string(name) + " is not a string");
  }
  return value->get<std::string>();
}

Result<std::int64_t> number(const base::Json& object, std::string_view name, std::size_t index) {
  const auto* value = member(object, name);
  if (value == nullptr || value->is_null()) {
    return std::int64_t{0};
  }
  if (!value->is_number_integer()) {
    return corrupt(index, std::string(name) + " is not an integer");
  }
  return value->get<std::int64_t>();
}

Result<PodInfo> metadata(const base::Json& entry, std::size_t index) {
  PodInfo pod;
  const auto* object = member(entry, "metadata");
  if (object == nullptr || object->is_null()) {
    return pod;
  }
  if (!object->is_object()) {
    return corrupt(index, "metadata is not an object");
  }
  VPCCNI_TRY(pod.name_space, text(*object, "k8sPodNamespace", index));
  VPCCNI_TRY(pod.name, text(*object, "k8sPodName", index));
  VPCCNI_TRY(const auto interfaces, number(*object, "interfacesCount", index));
  if (interfaces < 0 || interfaces > 1024) {
    return corrupt(index, "interfacesCount out of range");
  }
  pod.interfaces = static_cast<int>(interfaces);
  return pod;
}

Result<Assignment> allocation(const base::Json& entry, std::size_t index) {
  if (!entry.is_object()) {
    return corrupt(index, "not an object");
  }
  Assignment one;
  VPCCNI_TRY(one.key.network, text(entry, "networkName", index));
  VPCCNI_TRY(one.key.container, text(entry, "containerID", index));
  VPCCNI_TRY(one.key.ifname, text(entry, "ifName", index));
  VPCCNI_TRY(auto address, text(entry, "ipv4", index));
  if (address.empty()) {
    VPCCNI_TRY(address, text(entry, "ipv6", index));
  }
  auto ip = net::Ip::parse(address);
  if (!ip) {
    return corrupt(index, ip.error().message);
  }
  one.address = *ip;
  VPCCNI_TRY(const auto since, number(entry, "allocationTimestamp", index));
  one.since = wall_time(since);
  VPCCNI_TRY(one.pod, metadata(entry, index));
  return one;
}

/// `before` is all that stands in front of the text. Every write of the checkpoint goes through
/// here for each pod: no temporaries.
void append_text(std::string& out, std::string_view before, std::string_view text) {
  out += before;
  base::append_json_quoted(out, text);
}

void append_metadata(std::string& out, const PodInfo& pod) {
  std::string_view comma;
  if (!pod.name_space.empty()) {
    append_text(out, R"("k8sPodNamespace":)", pod.name_space);
    comma = ",";
  }
  if (!pod.name.empty()) {
    out += comma;
    append_text(out, R"("k8sPodName":)", pod.name);
    comma = ",";
  }
  if (pod.interfaces != 0) {
    out += comma;
    out += R"("interfacesCount":)";
    out += std::to_string(pod.interfaces);
  }
}

void append(std::string& out, const Assignment& one) {
  append_text(out, R"({"networkName":)", one.key.network);
  append_text(out, R"(,"containerID":)", one.key.container);
  append_text(out, R"(,"ifName":)", one.key.ifname);
  out += one.address.is_v4() ? R"(,"ipv4":")" : R"(,"ipv6":")";
  out += to_string(one.address);
  out += R"(","allocationTimestamp":)";
  out += std::to_string(nanoseconds(one.since));
  out += R"(,"metadata":{)";
  append_metadata(out, one.pod);
  out += "}}";
}

std::string document(std::string_view version, const std::vector<Assignment>& assignments) {
  std::string out = R"({"version":")" + std::string(version) + R"(","allocations":[)";
  bool first = true;
  for (const auto& one : assignments) {
    out += first ? "" : ",";
    first = false;
    append(out, one);
  }
  return out + "]}\n";
}

/// A member with one time for each name.
template <class Times>
void append_times(std::string& out, std::string_view member, const Times& times) {
  out += ",\"" + std::string(member) + "\":{";
  bool first = true;
  for (const auto& [name, at] : times) {
    out += first ? "\"" : ",\"";
    first = false;
    out += to_string(name) + "\":" + std::to_string(nanoseconds(at));
  }
  out += '}';
}

template <class Use>
void each_time(const base::Json& document, std::string_view name, Use use) {
  const auto* times = base::find_member(document, name);
  if (times == nullptr || !times->is_object()) {
    return;
  }
  for (auto it = times->begin(); it != times->end(); ++it) {
    if (it.value().is_number_integer()) {
      use(it.key(), wall_time(it.value().get<std::int64_t>()));
    }
  }
}

}  // namespace

std::string format_checkpoint(const std::vector<Assignment>& assignments) {
  return document(kVersion, assignments);
}

std::string format_quarantine(const std::vector<Assignment>& quarantined) {
  return document("vpccni-quarantine/1", quarantined);
}

Result<std::vector<Assignment>> parse_checkpoint(std::string_view bytes) {
  if (bytes.empty()) {
    return Error{Errc::corrupt, "the file is empty"};
  }
  VPCCNI_TRY(const auto document, base::parse_json_prefix(bytes));
  const auto* version = member(document, "version");
  if (version == nullptr || !version->is_string()) {
    return Error{Errc::corrupt, "no version member"};
  }
  if (version->get<std::string>() != kVersion) {
    return Error{Errc::unsupported, "version \"" + version->get<std::string>().substr(0, 64) +
                                        "\" is not \"" + std::string(kVersion) + "\""};
  }
  std::vector<Assignment> all;
  const auto* allocations = member(document, "allocations");
  if (allocations == nullptr || allocations->is_null()) {
    return all;
  }
  if (!allocations->is_array()) {
    return Error{Errc::corrupt, "allocations is not an array"};
  }
  for (const auto& entry : *allocations) {
    VPCCNI_TRY(auto one, allocation(entry, all.size()));
    all.push_back(std::move(one));
  }
  return all;
}

std::string format_recent(const Recent& recent) {
  std::string out = R"({"version":"vpccni-recent/1")";
  append_times(out, "released", recent.cooling);
  append_times(out, "unassigned", recent.unassigned);
  append_times(out, "leaving", recent.leaving);
  return out + "}\n";
}

Recent parse_recent(std::string_view bytes) {
  Recent recent;
  const auto document = base::parse_json(bytes);
  if (!document) {
    return recent;
  }
  each_time(*document, "released", [&](const std::string& name, base::WallTime at) {
    if (const auto ip = net::Ip::parse(name)) {
      recent.cooling.emplace_back(*ip, at);
    }
  });
  each_time(*document, "unassigned", [&](const std::string& name, base::WallTime at) {
    if (const auto cidr = net::Cidr::parse(name)) {
      recent.unassigned.emplace_back(*cidr, at);
    }
  });
  each_time(*document, "leaving", [&](const std::string& name, base::WallTime at) {
    recent.leaving.emplace_back(net::EniId(name.substr(0, kLongestId)), at);
  });
  return recent;
}

}  // namespace vpccni::ipam
