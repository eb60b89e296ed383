#pragma once
// What any API server must answer to lib/k8s. The same checks hold for the real one and for the
// stand-in of the other tests, so that what passes on the stand-in means something.

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "k8s/api.h"

namespace vpccni::apiserver {

inline constexpr const char* kNode = "ip-10-0-0-10.us-west-2.compute.internal";
inline constexpr int kPodCapacity = 29;
inline constexpr int kCrowd = 510;  // pods on node "crowded" in namespace "crowd": over a page

/// The pods on kNode, as namespace and name. "elsewhere" and "unscheduled" are in "team" too.
const std::vector<std::pair<std::string, std::string>>& pods_of_node();
std::string crowd_pod(int number);

/// The answer's class as text, "success" for a value: a failed check then names it.
template <class T>
std::string code_of(const Result<T>& result) {
  return result ? "success" : std::string(to_string(result.error().code));
}

void check_version(k8s::Api& api);
void check_node(k8s::Api& api);
void check_pod(k8s::Api& api);
void check_pods_on_node(k8s::Api& api);
void check_crowd(k8s::Api& api);
/// Names that would change the request if they were pasted into it.
void check_hostile_names(k8s::Api& api);
/// `events` lists the namespace's events.k8s.io/v1 events.
void check_event(k8s::Api& api, const std::function<std::vector<base::Json>()>& events);
/// Changes from another side, all in the namespace "team".
struct Changes {
  std::function<void(const std::string& value)> label_node;  // label "test" of kNode
  std::function<void(const std::string& name, const std::string& node)> put_pod;
  std::function<void(const std::string& name)> remove_pod;
};
void check_watches(k8s::Api& api, const Changes& changes);
/// Of a server that does not remember how the cluster began: it has been started since.
void check_too_old(k8s::Api& api);
/// ENIConfig "custom" and the CNINode of kNode, of which `touch` changes something.
void check_custom_objects(k8s::Api& api, const std::function<void()>& touch);
void check_annotation(k8s::Api& api);
void check_series(k8s::Api& api, const std::function<std::vector<base::Json>()>& events);
/// Every call has this class, and ends in `seconds`.
void check_all_fail(k8s::Api& api, const std::string& code, double seconds);
/// As check_all_fail, and the foreign code is this HTTP status.
void check_all_refused(k8s::Api& api, const std::string& status);

/// An event that the API server takes.
k8s::NewEvent event_of(const k8s::Pod& pod);

}  // namespace vpccni::apiserver
