// The cluster roles against the table of what lib/k8s asks: ours is exactly that, upstream's covers
// it but for the annotation of pods.

#include <catch2/catch.hpp>
#include <set>

#include "base/files.h"
#include "base/json.h"
#include "k8s/permissions.h"

namespace vpccni::apiserver {
namespace {

using Rights = std::set<std::string>;  // "verb group resource"

/// Those of a role: every verb of a rule for every resource in every group of it.
Rights rights_of(const char* file, const std::string& role) {
  const auto text = base::read_file(file);
  REQUIRE(text);
  const auto list = base::parse_json(*text);
  REQUIRE(list);
  Rights rights;
  for (const auto& item : (*list)["items"]) {
    if (item["kind"] != "ClusterRole" || item["metadata"]["name"] != role) {
      continue;
    }
    for (const auto& rule : item["rules"]) {
      if (!rule.contains("resources")) {
        continue;
      }
      for (const auto& group : rule["apiGroups"]) {
        for (const auto& resource : rule["resources"]) {
          for (const auto& verb : rule["verbs"]) {
            rights.insert(verb.get<std::string>() + " " + group.get<std::string>() + " " +
                          resource.get<std::string>());
          }
        }
      }
    }
  }
  REQUIRE_FALSE(rights.empty());
  return rights;
}

Rights asked(bool for_annotations) {
  Rights rights;
  for (const auto& each : k8s::kPermissions) {
    if (each.for_annotations == for_annotations) {
      rights.insert(std::string(each.verb) + " " + std::string(each.group) + " " +
                    std::string(each.resource));
    }
  }
  return rights;
}

}  // namespace

TEST_CASE("role: ours allows what is asked, and nothing else") {
  CHECK(rights_of(ROLE_FILE, "vpccni") == asked(false));
  CHECK(rights_of(ROLE_FILE, "vpccni-annotating") == asked(true));
}

TEST_CASE("role: upstream's allows all but the annotation of pods") {
  const auto upstream = rights_of(UPSTREAM_FILE, "aws-node");
  for (const auto& right : asked(false)) {
    INFO(right);
    CHECK(upstream.contains(right));
  }
  for (const auto& right : asked(true)) {
    INFO(right);
    CHECK_FALSE(upstream.contains(right));
  }
}

}  // namespace vpccni::apiserver
