#pragma once
// A stand-in for the Kubernetes API server, as far as the agent reads and writes: version; get,
// list, watch, merge patch of nodes, pods, ENIConfigs and CNINodes (a patch with another
// resourceVersion than the object's is a conflict); create and merge patch of events; and, for
// tests, the creation and deletion of these. State, not scripted calls. Lists come in pages,
// watches have versions, bookmarks, an end and a history that is forgotten. Handlers run on the
// loop's thread.

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "event/loop.h"
#include "http/server.h"

namespace vpccni::vpc {

struct KubernetesFaults {
  bool down = false;        // connections are cut, watches too
  bool black_hole = false;  // no answer
  int status = 0;           // every answer has this status
  bool garbage = false;     // 200 with bytes that are no JSON
};

class KubernetesFace {
 public:
  explicit KubernetesFace(event::Loop& loop) : loop_(loop) {}

  void add_node(const std::string& name, int pod_capacity);
  void put_pod(const std::string& name_space, const std::string& name, const std::string& node);
  void remove_pod(const std::string& name_space, const std::string& name);
  /// The node's, and a CNINode as the resource controller makes one for each node.
  void add_cni_node(const std::string& name);
  /// `spec` as the custom resource has it: {"subnet": …, "securityGroups": […]}.
  void put_eni_config(const std::string& name, const base::Json& spec);
  void remove_eni_config(const std::string& name);
  using Key = std::pair<std::string, std::string>;  // namespace ("" where there is none), name
  using Objects = std::map<Key, base::Json>;
  /// A merge patch. False: no such object.
  bool patch_object(const std::string& resource, const Key& key, const base::Json& patch);
  bool patch_node(const std::string& name, const base::Json& patch);
  bool patch_pod(const std::string& name_space, const std::string& name, const base::Json& patch);
  /// All of "nodes", "pods", "eniconfigs" or "cninodes".
  const Objects& objects(const std::string& resource) { return objects_[resource]; }
  const std::vector<base::Json>& events() const { return events_; }
  KubernetesFaults& faults() { return faults_; }
  void set_faults(const KubernetesFaults& faults);

  /// Ends all watches, as a server that restarts, and forgets what they would go on from.
  void forget_history();
  /// Ends all watches in an orderly way.
  void end_watches();
  void send_bookmarks();
  std::size_t watches() const { return watches_.size(); }
  /// "get  nodes", "create events.k8s.io events": each verb, group and resource asked for.
  const std::set<std::string>& asked() const { return asked_; }

  void handle(const http::ServerRequest& request, const std::shared_ptr<http::Responder>& to);

 private:
  struct Target {  // of a request
    std::string group;
    std::string resource;
    Key key;  // no name: all of the namespace; no namespace either: all
    bool valid = false;
  };
  struct Past {
    std::uint64_t version = 0;
    std::string resource;
    base::Json before;  // null: there was none
    base::Json after;   // null: is gone
  };
  struct Watch {
    std::string resource;
    std::string selector;
    std::unique_ptr<http::Stream> stream;
    event::Registration end;
  };

  static Target target_of(const std::string& path);
  http::ServerReply answer(const http::ServerRequest& request, const Target& target);
  http::ServerReply list(const Target& target, const std::string& query) const;
  http::ServerReply patch(const http::ServerRequest& request, const Target& target);
  http::ServerReply create(const http::ServerRequest& request, const Target& target);
  http::ServerReply create_event(const http::ServerRequest& request);
  http::ServerReply patch_event(const Target& target, const base::Json& patch);
  void watch(const Target& target, const std::string& query,
             const std::shared_ptr<http::Responder>& to);
  bool put(const std::string& resource, const Key& key, base::Json object);
  void remove(const std::string& resource, const Key& key);
  void tell(const Past& change);
  static std::string line_of(const Past& change, const std::string& selector);
  void note(const http::ServerRequest& request, const Target& target);

  event::Loop& loop_;
  std::map<std::string, Objects> objects_{
      {"nodes", {}}, {"pods", {}}, {"eniconfigs", {}}, {"cninodes", {}}};
  std::vector<base::Json> events_;
  std::uint64_t version_ = 1000;  // as of a server with a past
  std::deque<Past> history_;
  std::uint64_t forgotten_ = 1000;  // versions below this one are not known any more
  std::vector<std::unique_ptr<Watch>> watches_;
  std::set<std::string> asked_;
  std::vector<std::shared_ptr<http::Responder>> unanswered_;
  KubernetesFaults faults_;
  event::Registration bookmarks_;
};

}  // namespace vpccni::vpc
