#pragma once
// A stand-in for the Kubernetes API server, as far as the agent reads and writes: version, nodes,
// pods, events. State, not scripted calls. Handlers run on the loop's thread.

#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "http/server.h"

namespace vpccni::vpc {

struct KubernetesFaults {
  bool down = false;        // connections are cut
  bool black_hole = false;  // no answer
  int status = 0;           // every answer has this status
  bool garbage = false;     // 200 with bytes that are no JSON
};

class KubernetesFace {
 public:
  void add_node(const std::string& name, int pod_capacity);
  void put_pod(const std::string& name_space, const std::string& name, const std::string& node);
  void remove_pod(const std::string& name_space, const std::string& name);
  const std::vector<base::Json>& events() const { return events_; }
  KubernetesFaults& faults() { return faults_; }

  void handle(const http::ServerRequest& request, const std::shared_ptr<http::Responder>& to);

 private:
  http::ServerReply answer(const http::ServerRequest& request);
  http::ServerReply create_event(const http::ServerRequest& request);
  http::ServerReply pod_list(const std::string& query) const;

  std::map<std::string, base::Json> nodes_;
  std::map<std::pair<std::string, std::string>, base::Json> pods_;
  std::vector<base::Json> events_;
  std::vector<std::shared_ptr<http::Responder>> unanswered_;
  KubernetesFaults faults_;
};

}  // namespace vpccni::vpc
