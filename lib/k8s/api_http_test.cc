// Reads and watches of the Kubernetes edge against an API server in memory.
#include "k8s/api_http.h"

#include <catch2/catch.hpp>

#include "k8s/test_server.h"

namespace vpccni::k8s {
namespace {

using std::chrono::seconds;

TEST_CASE("k8s: the reads ask for the right paths") {
  Site site;
  CHECK(*site.api.version() == "v1.31.0");
  CHECK(site.api.node("node-1")->name == "node-1");
  CHECK(site.api.pod("team", "web", kCallLimit)->name_space == "team");
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
    CHECK(code_of(site.api.pod("team", name, kCallLimit)) == "invalid_argument");
    CHECK(code_of(site.api.pod(name, "web", kCallLimit)) == "invalid_argument");
    NewEvent event;
    event.name_space = name;
    CHECK(code_of(site.api.create_event(event)) == "invalid_argument");
  }
  CHECK(site.cluster.requests.size() == asked);
}

TEST_CASE("k8s: pods of a node, in pages that end") {
  Site site;
  site.cluster.pods = 5;
  const auto pods = site.api.pods_on_node("node-1", Freshness::latest, {});
  REQUIRE(pods);
  CHECK(pods->items.size() == 5);
  CHECK(pods->version == "77");
  CHECK(pods->items.back().name == "pod-4");
  REQUIRE(site.cluster.requests.size() == 3);
  CHECK(contains(site.cluster.requests[0].url, "fieldSelector=spec.nodeName%3Dnode-1"));
  CHECK_FALSE(contains(site.cluster.requests[0].url, "continue="));
  CHECK(contains(site.last().url, "&continue=4"));
  site.cluster.requests.clear();
  site.cluster.endless = true;
  CHECK(code_of(site.api.pods_on_node("node-1", Freshness::latest, {})) == "corrupt");
  CHECK(site.cluster.requests.size() <= 100);
  site.cluster.body = R"({"kind":"Status"})";
  CHECK(code_of(site.api.pods_on_node("node-1", Freshness::latest, {})) == "corrupt");
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

TEST_CASE("k8s: a list from the server's memory asks for no version in its further pages") {
  Site site;
  site.cluster.pods = 3;
  REQUIRE(site.api.pods_on_node("node-1", Freshness::any, {}));
  REQUIRE(site.cluster.requests.size() == 2);
  CHECK(contains(site.cluster.requests[0].url, "&resourceVersion=0"));
  CHECK_FALSE(contains(site.cluster.requests[1].url, "resourceVersion"));
  CHECK(contains(site.cluster.requests[1].url, "&continue=2"));
}

TEST_CASE("k8s: nothing selects more than one node") {
  Site site;
  CHECK(code_of(site.api.list_node("", {})) == "invalid_argument");
  CHECK(code_of(site.api.pods_on_node("", Freshness::any, {})) == "invalid_argument");
  CHECK(code_of(site.api.watch_node("", "1", {}, {})) == "invalid_argument");
  CHECK(code_of(site.api.watch_pods("", "1", {}, {})) == "invalid_argument");
  CHECK(site.cluster.requests.empty());
  (void)site.api.list_node("node-1&limit=1", {});
  CHECK(contains(site.last().url, "fieldSelector=metadata.name%3Dnode-1%26limit%3D1&"));
}

TEST_CASE("k8s: a watch, whole and cut into bytes") {
  const std::string node = R"("object":{"metadata":{"name":"node-1","resourceVersion":"8"}}})";
  for (const std::size_t chunk : {std::size_t{1}, std::size_t{1000}}) {
    Site site;
    site.cluster.chunk = chunk;
    site.cluster.watch = R"({"type":"ADDED",)" + node + "\n" + R"({"type":"MODIFIED",)" + node +
                         "\n" + R"({"type":"DELETED",)" + node + "\n" +
                         R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9"}}})" +
                         "\n" + R"({"type":"ADDED","obj)";  // the server ends it where it likes
    std::vector<Change<Node>> heard;
    REQUIRE(site.api.watch_node("node-1", "7", [&](auto one) { heard.push_back(one); }, {}));
    REQUIRE(heard.size() == 4);
    CHECK(heard[0].kind == Change<Node>::Kind::present);
    CHECK(heard[0].object.name == "node-1");
    CHECK(heard[1].kind == Change<Node>::Kind::present);
    CHECK(heard[2].kind == Change<Node>::Kind::gone);
    CHECK(heard[3].kind == Change<Node>::Kind::bookmark);
    CHECK(heard[3].version == "9");
    for (const char* part : {"fieldSelector=metadata.name%3Dnode-1&", "watch=true",
                             "allowWatchBookmarks=true", "resourceVersion=7", "timeoutSeconds="}) {
      CHECK(contains(site.last().url, part));
    }
  }
}

TEST_CASE("k8s: the end of a watch by an error") {
  Site site;
  const auto watch = [&site] { return site.api.watch_pods("node-1", "7", [](auto) {}, {}); };
  site.cluster.watch =
      R"({"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old"}})"
      "\n";
  const auto gone = watch();
  REQUIRE_FALSE(gone);
  CHECK(is_gone(gone.error()));
  CHECK(contains(gone.error().message, "too old"));
  site.cluster.watch = R"({"type":"ERROR","object":{"kind":"Status","code":500}})"
                       "\n";
  CHECK(code_of(watch()) == "unavailable");
  for (const char* line : {"{}", "garbage", R"({"type":"ADDED"})", R"({"type":"ODD","object":{}})",
                           R"({"type":"ADDED","object":{"metadata":{"name":"x"}}})",
                           R"({"type":"ADDED","object":{"metadata":{"resourceVersion":"1"}}})"}) {
    site.cluster.watch = std::string(line) + "\n";
    INFO(line);
    CHECK(code_of(watch()) == "corrupt");
  }
  site.cluster.watch = std::string(5 << 20, 'x');
  site.cluster.chunk = 65536;
  CHECK(code_of(watch()) == "exhausted");
  site.cluster.status = 410;
  site.cluster.body = R"({"kind":"Status","message":"expired"})";
  CHECK(is_gone(watch().error()));
}

}  // namespace
}  // namespace vpccni::k8s
