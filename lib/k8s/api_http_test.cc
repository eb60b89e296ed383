// The Kubernetes edge against an API server in memory, and its parsers against hostile bytes.
#include "k8s/api_http.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/json.h"

namespace vpccni::k8s {
namespace {

using std::chrono::seconds;

struct FixedClock final : base::Clock {
  base::Instant now() const override {
    return {base::SteadyTime{}, base::WallTime(std::chrono::microseconds(1765972800000042))};
  }
  bool wait_until(base::SteadyTime, std::stop_token) const override { return true; }
};

/// What the server holds and has been asked. Shared with the test, since the edge owns its client.
struct Cluster {
  int status = 200;
  std::string body;  // instead of what it holds
  std::optional<Error> failure;
  int pods = 3;
  int page = 2;          // pods on one page
  bool endless = false;  // every page names a next one
  std::vector<http::Request> requests;
};

class FakeServer final : public http::Client {
 public:
  explicit FakeServer(Cluster& cluster) : cluster_(cluster) {}

  Result<http::Response> send(const http::Request& request, const std::stop_token&) override {
    cluster_.requests.push_back(request);
    if (cluster_.failure) {
      return *cluster_.failure;
    }
    if (cluster_.status != 200 || !cluster_.body.empty()) {
      return http::Response{cluster_.status, {}, cluster_.body};
    }
    const std::string path = request.url.substr(request.url.find('/', 8));
    if (path == "/version") {
      return http::Response{200, {}, R"({"major":"1","gitVersion":"v1.31.0"})"};
    }
    if (path == "/api/v1/nodes/node-1") {
      return http::Response{200, {}, R"({"metadata":{"name":"node-1"}})"};
    }
    if (path == "/api/v1/namespaces/team/pods/web") {
      return http::Response{200, {}, R"({"metadata":{"name":"web","namespace":"team"}})"};
    }
    if (path.starts_with("/api/v1/pods?")) {
      return http::Response{200, {}, list(path)};
    }
    if (request.method == "POST") {
      return http::Response{201, {}, "{}"};
    }
    return http::Response{404, {}, R"({"kind":"Status","message":"not there"})"};
  }
  Result<http::Response> stream(const http::Request&, const http::Chunk&,
                                const std::stop_token&) override {
    return Error{Errc::unsupported, "no stream"};
  }

 private:
  std::string list(const std::string& path) const {
    const auto at = path.find("&continue=");
    const int from = at == std::string::npos ? 0 : std::stoi(path.substr(at + 10));
    std::string items;
    int n = from;
    for (; n < from + cluster_.page && (n < cluster_.pods || cluster_.endless); ++n) {
      items += (n > from ? "," : "");
      items += R"({"metadata":{"name":"pod-)" + std::to_string(n) + "\"}}";
    }
    const bool more = cluster_.endless || n < cluster_.pods;
    return R"({"metadata":{"continue":")" + (more ? std::to_string(n) : "") + R"("},"items":[)" +
           items + "]}";
  }

  Cluster& cluster_;
};

class TokenFile {
 public:
  explicit TokenFile(std::string_view text) {
    char name[] = "/tmp/api_http_test.XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    directory_ = name;
    write(text);
  }
  ~TokenFile() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  void write(std::string_view text) const { std::ofstream(path(), std::ios::binary) << text; }
  std::string path() const { return directory_ / "token"; }

 private:
  std::filesystem::path directory_;
};

struct Site {
  explicit Site(const std::string& url = "https://10.100.0.1:443")
      : api(std::make_unique<FakeServer>(cluster), clock, {url, "", token.path(), "test"}) {}
  const http::Request& last() const { return cluster.requests.back(); }

  TokenFile token{"SECRET-TOKEN\n"};
  FixedClock clock;
  Cluster cluster;
  ApiHttp api;
};

std::string_view code_of(const auto& result) {
  return result ? std::string_view("success") : to_string(result.error().code);
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

const std::string kNode =
    R"({"kind":"Node","metadata":{"name":"node-1","labels":{"zone":"us-west-2a","bad":7},"annotations":{"a":"b"}},"spec":{"taints":[{"key":"k","effect":"NoSchedule"}]},"status":{"capacity":{"pods":"110","cpu":"4"}}})";
const std::string kPod =
    R"({"metadata":{"name":"web","namespace":"team","uid":"u-1","annotations":{"a":"b"}},"spec":{}})";
const std::string kList = R"({"metadata":{"continue":"next"},"items":[)" + kPod + "," + kPod + "]}";

TEST_CASE("k8s: a node") {
  const auto node = parse_node(kNode);
  REQUIRE(node);
  CHECK(node->name == "node-1");
  CHECK(node->labels == std::map<std::string, std::string>{{"zone", "us-west-2a"}});
  CHECK(node->annotations == std::map<std::string, std::string>{{"a", "b"}});
  REQUIRE(node->taints.size() == 1);
  CHECK(node->taints[0].key == "k");
  CHECK(node->taints[0].effect == "NoSchedule");
  CHECK(node->pod_capacity == 110);
}

TEST_CASE("k8s: a node with less, or with other types") {
  for (const char* text :
       {R"({"metadata":{"name":"n"}})",
        R"({"metadata":{"name":"n","labels":null,"annotations":[]},"spec":null,"status":7})",
        R"({"metadata":{"name":"n"},"spec":{"taints":{}},"status":{"capacity":[]}})",
        R"({"metadata":{"name":"n"},"status":{"capacity":{"pods":110}}})",
        R"({"metadata":{"name":"n"},"status":{"capacity":{"pods":"many"}}})",
        R"({"metadata":{"name":"n"},"status":{"capacity":{"pods":"-5"}}})",
        R"({"metadata":{"name":"n"},"status":{"capacity":{"pods":"99999999999"}}})"}) {
    INFO(text);
    const auto node = parse_node(text);
    REQUIRE(node);
    CHECK(node->labels.empty());
    CHECK(node->annotations.empty());
    CHECK(node->taints.empty());
    CHECK_FALSE(node->pod_capacity);
  }
}

TEST_CASE("k8s: a capacity as a quantity") {
  const auto capacity = [](const std::string& pods) {
    return parse_node(R"({"metadata":{"name":"n"},"status":{"capacity":{"pods":")" + pods + "\"}}}")
        ->pod_capacity;
  };
  CHECK(capacity("0") == 0);
  CHECK(capacity("999") == 999);
  CHECK(capacity("1k") == 1000);  // what the API server makes of "1000"
  CHECK(capacity("2147483k") == 2147483000);
  for (const char* text : {"", "k", "1kk", "1Ki", "1K", "-1k", "2147484k", "99999999999k", "k1"}) {
    INFO(text);
    CHECK_FALSE(capacity(text));
  }
}

TEST_CASE("k8s: pods") {
  const auto pod = parse_pod(kPod);
  REQUIRE(pod);
  CHECK(pod->name == "web");
  CHECK(pod->name_space == "team");
  CHECK(pod->uid == "u-1");
  CHECK(pod->annotations == std::map<std::string, std::string>{{"a", "b"}});
  std::string next;
  const auto pods = parse_pod_list(kList, next);
  REQUIRE(pods);
  CHECK(pods->size() == 2);
  CHECK(next == "next");
  const auto none = parse_pod_list(R"({"metadata":{},"items":null})", next);
  REQUIRE(none);
  CHECK(none->empty());
  CHECK(next.empty());
}

TEST_CASE("k8s: what is no object of that kind is corrupt") {
  std::string next;
  const std::string deep(100000, '[');
  for (const std::string& text :
       {std::string(), std::string("null"), std::string("[]"), std::string("7"),
        std::string("\"text\""), std::string("<html/>"), std::string("{}{}"), deep,
        R"({"metadata":)" + deep, std::string(1 << 20, '{'),
        std::string("{\"metadata\":{\"name\":\"\xff"), std::string("{}"),
        std::string(R"({"metadata":{}})"), std::string(R"({"metadata":7})"),
        std::string(R"({"metadata":{"name":7}})"), std::string(R"({"metadata":{"name":""}})")}) {
    INFO(text.substr(0, 60));
    CHECK(code_of(parse_node(text)) == "corrupt");
    CHECK(code_of(parse_pod(text)) == "corrupt");
    CHECK(code_of(parse_pod_list(text, next)) == "corrupt");
  }
  for (const char* text :
       {R"({"items":{}})", R"({"items":"none"})", R"({"items":[7]})", R"({"items":[{}]})",
        R"({"items":[null]})", R"({"items":[{"metadata":{"name":"a"}},{"metadata":{}}]})",
        R"({"kind":"Status","status":"Failure"})"}) {  // never an empty list
    INFO(text);
    CHECK(code_of(parse_pod_list(text, next)) == "corrupt");
  }
}

TEST_CASE("k8s: answers cut at every byte") {
  std::string next;
  for (const std::string& whole : {kNode, kPod, kList}) {
    for (std::size_t n = 0; n < whole.size(); ++n) {
      const std::string part(whole, 0, n);
      if (code_of(parse_node(part)) != "corrupt" || code_of(parse_pod(part)) != "corrupt" ||
          code_of(parse_pod_list(part, next)) != "corrupt") {
        FAIL("taken for whole: " << part);
      }
    }
  }
}

TEST_CASE("k8s: the reads ask for the right paths") {
  Site site;
  CHECK(*site.api.version() == "v1.31.0");
  CHECK(site.api.node("node-1")->name == "node-1");
  CHECK(site.api.pod("team", "web")->name_space == "team");
  CHECK(site.last().url == "https://10.100.0.1:443/api/v1/namespaces/team/pods/web");
  for (const auto& request : site.cluster.requests) {
    CHECK(request.method == "GET");
    CHECK(http::header(request.headers, "Accept") == "application/json");
    CHECK(request.timeout <= seconds(10));
  }
  CHECK(code_of(site.api.node("../../secrets?x=1")) == "not_found");
  CHECK(site.last().url == "https://10.100.0.1:443/api/v1/nodes/..%2F..%2Fsecrets%3Fx%3D1");
  // libcurl would walk up, and a namespace looks like a pod.
  const auto asked = site.cluster.requests.size();
  for (const char* name : {"", ".", ".."}) {
    CHECK(code_of(site.api.node(name)) == "invalid_argument");
    CHECK(code_of(site.api.pod("team", name)) == "invalid_argument");
    CHECK(code_of(site.api.pod(name, "web")) == "invalid_argument");
    NewEvent event;
    event.name_space = name;
    CHECK(code_of(site.api.create_event(event)) == "invalid_argument");
  }
  CHECK(site.cluster.requests.size() == asked);
}

TEST_CASE("k8s: pods of a node, in pages that end") {
  Site site;
  site.cluster.pods = 5;
  const auto pods = site.api.pods_on_node("node-1");
  REQUIRE(pods);
  CHECK(pods->size() == 5);
  CHECK(pods->back().name == "pod-4");
  REQUIRE(site.cluster.requests.size() == 3);
  CHECK(contains(site.cluster.requests[0].url, "fieldSelector=spec.nodeName%3Dnode-1"));
  CHECK_FALSE(contains(site.cluster.requests[0].url, "continue="));
  CHECK(contains(site.last().url, "&continue=4"));
  site.cluster.requests.clear();
  site.cluster.endless = true;
  CHECK(code_of(site.api.pods_on_node("node-1")) == "corrupt");
  CHECK(site.cluster.requests.size() <= 100);
  site.cluster.body = R"({"kind":"Status"})";
  CHECK(code_of(site.api.pods_on_node("node-1")) == "corrupt");
}

TEST_CASE("k8s: classes of the statuses") {
  const std::pair<int, const char*> rows[] = {
      {301, "invalid_argument"}, {400, "invalid_argument"}, {401, "denied"},
      {403, "denied"},           {404, "not_found"},        {409, "conflict"},
      {422, "invalid_argument"}, {429, "throttled"},        {500, "unavailable"},
      {503, "unavailable"},      {504, "unavailable"}};
  for (const auto& [status, code] : rows) {
    for (const char* body : {"", "<html/>", R"({"kind":"Status","message":"because"})"}) {
      INFO(status << " " << body);
      Site site;
      site.cluster.status = status;
      site.cluster.body = body;
      const auto node = site.api.node("node-1");
      CHECK(code_of(node) == code);
      CHECK(node.error().cause == std::to_string(status));
      CHECK(contains(node.error().message, "/api/v1/nodes/node-1"));
      CHECK(contains(node.error().message, "because") == (*body == '{'));
      CHECK_FALSE(contains(node.error().message, "SECRET-TOKEN"));
      CHECK(site.cluster.requests.size() == 1);
    }
  }
  Site site;
  site.cluster.status = 500;
  site.cluster.body = R"({"message":")" + std::string(100000, 'x') + "\"}";
  CHECK(site.api.version().error().message.size() < 2048);
  site.cluster.failure = Error{Errc::timeout, "no answer"};
  const auto lost = site.api.version();
  CHECK(code_of(lost) == "timeout");
  CHECK(contains(lost.error().message, "/version"));
}

TEST_CASE("k8s: the token goes over https only, as the file holds it now") {
  Site site;
  REQUIRE(site.api.version());
  CHECK(http::header(site.last().headers, "Authorization") == "Bearer SECRET-TOKEN");
  site.token.write("ROTATED");
  REQUIRE(site.api.version());
  CHECK(http::header(site.last().headers, "Authorization") == "Bearer ROTATED");

  Site plain("http://127.0.0.1:8080");
  REQUIRE(plain.api.version());
  REQUIRE(plain.api.node("node-1"));
  NewEvent event;
  event.name_space = "team";
  REQUIRE(plain.api.create_event(event));
  for (const auto& request : plain.cluster.requests) {
    CHECK(http::header(request.headers, "Authorization").empty());
    CHECK_FALSE(contains(request.url + request.body, "SECRET-TOKEN"));
  }
}

TEST_CASE("k8s: a token with a line break does not become a header") {
  // The real client, without a listener: it must refuse before it connects.
  const TokenFile token("SECRET-TOKEN\r\nX-Evil: 1");
  const FixedClock clock;
  ApiHttp api(http::make_curl_client({.user_agent = "test"}), clock,
              {"https://127.0.0.1:1", "", token.path(), "test"});
  const auto version = api.version();
  CHECK(code_of(version) == "invalid_argument");
  CHECK_FALSE(contains(version.error().message, "SECRET-TOKEN"));
}

TEST_CASE("k8s: an event") {
  Site site;
  NewEvent event;
  event.name_space = "kube-system";
  event.regarding_pod = "aws-node-1";
  event.regarding_uid = "u-1";
  event.reason = "MissingIAMPermissions";
  event.action = "ec2:CreateTags";
  event.note = std::string(1023, 'x') + "\xc3\xa9 \"quoted\"";  // cut inside a character
  REQUIRE(site.api.create_event(event));
  CHECK(site.last().method == "POST");
  CHECK(site.last().url ==
        "https://10.100.0.1:443/apis/events.k8s.io/v1/namespaces/kube-system/events");
  CHECK(http::header(site.last().headers, "Content-Type") == "application/json");
  const auto body = base::parse_json(site.last().body);
  REQUIRE(body);
  CHECK(base::string_member(*body, "apiVersion") == "events.k8s.io/v1");
  CHECK(base::string_member(*body, "type") == "Warning");
  CHECK(base::string_member(*body, "reason") == "MissingIAMPermissions");
  CHECK(base::string_member(*body, "action") == "ec2:CreateTags");
  CHECK(base::string_member(*body, "reportingController") == "aws-node");
  CHECK(base::string_member(*body, "eventTime") == "2025-12-17T12:00:00.000042Z");
  CHECK(base::string_member(*body, "note") == std::string(1023, 'x'));
  const auto* regarding = base::find_member(*body, "regarding");
  REQUIRE(regarding != nullptr);
  CHECK(base::string_member(*regarding, "name") == "aws-node-1");
  CHECK(base::string_member(*regarding, "uid") == "u-1");
  const auto* metadata = base::find_member(*body, "metadata");
  REQUIRE(metadata != nullptr);
  CHECK(base::string_member(*metadata, "name") == "aws-node-1.1881fee7b3012410");
  CHECK(base::string_member(*metadata, "namespace") == "kube-system");
}

TEST_CASE("k8s: the name of an event, from a long pod's") {
  for (const std::string& pod :
       {std::string(253, 'p'), std::string(230, 'p') + "...-.-" + std::string(17, 'q')}) {
    Site site;
    NewEvent event;
    event.name_space = "team";
    event.regarding_pod = pod;
    REQUIRE(site.api.create_event(event));
    const auto name =
        base::string_member((*base::parse_json(site.last().body))["metadata"], "name");
    INFO(name);
    CHECK(name.size() <= 253);
    CHECK(name.starts_with(std::string(230, 'p')));
    CHECK(name.substr(name.rfind('.') - 1, 1) == "p");
  }
}

TEST_CASE("k8s: an event within what the API server takes") {
  Site site;
  for (const std::string& text :
       {std::string(5000, 'x'), std::string(5000, '\xff'), std::string(5000, '\0'),
        std::string(126, 'x') + "\xe2\x82\xac", std::string(1022, 'x') + "\xf0\x9f\x98\x80",
        std::string(5000, '\x80')}) {
    NewEvent event;
    event.name_space = "team";
    event.regarding_pod = event.reason = event.action = event.note = text;
    REQUIRE(site.api.create_event(event));
    const auto body = base::parse_json(site.last().body);
    REQUIRE(body);
    CHECK(base::string_member(*body, "note").size() <= 1024);
    CHECK(base::string_member(*body, "note").size() + 4 > std::min<std::size_t>(text.size(), 1024));
    for (const char* name : {"reason", "action", "reportingInstance"}) {
      INFO(name);
      CHECK(base::string_member(*body, name).size() <= 128);
      CHECK(base::string_member(*body, name).size() >= 126);
    }
  }
}

}  // namespace
}  // namespace vpccni::k8s
