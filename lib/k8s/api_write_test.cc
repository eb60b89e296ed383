// Events and annotations of the Kubernetes edge against an API server in memory.
#include <catch2/catch.hpp>

#include "k8s/test_server.h"

namespace vpccni::k8s {
namespace {

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

TEST_CASE("k8s: an annotation is one merge patch") {
  Site site;
  REQUIRE(site.api.annotate_pod("team", "web", "vpc.amazonaws.com/pod-ips", "10.0.0.7\"",
                                std::chrono::milliseconds(700)));
  CHECK(site.last().method == "PATCH");
  CHECK(site.last().url == "https://10.100.0.1:443/api/v1/namespaces/team/pods/web");
  CHECK(http::header(site.last().headers, "Content-Type") == "application/merge-patch+json");
  CHECK(site.last().body ==
        R"({"metadata":{"annotations":{"vpc.amazonaws.com/pod-ips":"10.0.0.7\""}}})");
  CHECK(site.last().timeout == std::chrono::milliseconds(700));
  CHECK(site.last().connect_timeout <= std::chrono::milliseconds(700));
  CHECK(code_of(site.api.annotate_pod("team", "", "k", "v", kCallLimit)) == "invalid_argument");
}

TEST_CASE("k8s: a repeated event becomes a series") {
  Site site;
  NewEvent event;
  event.name_space = "team";
  event.regarding_pod = "web";
  const auto name = site.api.create_event(event);
  REQUIRE(name);
  CHECK(*name == "web.1881fee7b3012410");
  REQUIRE(site.api.repeat_event("team", *name, 7));
  CHECK(site.last().method == "PATCH");
  CHECK(site.last().url ==
        "https://10.100.0.1:443/apis/events.k8s.io/v1/namespaces/team/events/" + *name);
  CHECK(http::header(site.last().headers, "Content-Type") == "application/merge-patch+json");
  CHECK(site.last().body ==
        R"({"series":{"count":7,"lastObservedTime":"2025-12-17T12:00:00.000042Z"}})");
}

}  // namespace
}  // namespace vpccni::k8s
