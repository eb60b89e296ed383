// The parsers of what the API server sends, against hostile bytes and every way to cut them.
#include "k8s/parse.h"

#include <catch2/catch.hpp>

#include "k8s/read_stream.h"

namespace vpccni::k8s {
namespace {

std::string_view code_of(const auto& result) {
  return result ? std::string_view("success") : to_string(result.error().code);
}

/// A list of pods that comes in parts of `chunk` bytes.
Result<std::vector<Pod>> parse_pod_list(std::string_view json, std::string& next_page,
                                        std::size_t chunk = 1) {
  std::vector<Pod> pods;
  ListReader reader(
      [&pods](std::string_view item) -> Result<> {
        VPCCNI_TRY(auto pod, parse_pod(item));
        pods.push_back(std::move(pod));
        return {};
      },
      kObjectLimit);
  for (std::size_t at = 0; at < json.size(); at += chunk) {
    VPCCNI_CHECK(reader.feed(json.substr(at, chunk)));
  }
  VPCCNI_TRY(const auto rest, reader.finish());
  next_page = rest.next_page;
  return pods;
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

TEST_CASE("k8s: lists as people may write them") {
  std::string next;
  for (const char* text :
       {R"( { "items" : [ {"metadata":{"name":"a"}} , {"metadata":{"name":"b"}} ] , "x" : 1 } )",
        R"({"items":[{"metadata":{"name":"a","annotations":{"items":"[]}"}},"items":[1,[2]]},
            {"metadata":{"name":"b"}}],"metadata":{"resourceVersion":"5","continue":"c"}})",
        R"({"other":{"items":[7]},"key":"\"items\":[","items":[{"metadata":{"name":"a"}},)"
        R"({"metadata":{"name":"\u0062"}}]})"}) {
    INFO(text);
    const auto pods = parse_pod_list(text, next);
    REQUIRE(pods);
    REQUIRE(pods->size() == 2);
    CHECK(pods->front().name == "a");
    CHECK(pods->back().name == "b");
  }
  for (const char* text :
       {R"({"items":[{"metadata":{"name":"a"}},]})", R"({"items":[,{"metadata":{"name":"a"}}]})",
        R"({"items":[{"metadata":{"name":"a"}} {"metadata":{"name":"b"}}]})",
        R"({"items":[{"metadata":{"name":"a"}}]}{})", R"({"items":[{"metadata":{"name":"a"}}]]})",
        R"({"x":1 2,"items":[]})", R"({"items":[{"metadata":{"name":"a"}}})",
        R"(["items",[{"metadata":{"name":"a"}}]])"}) {
    INFO(text);
    CHECK(code_of(parse_pod_list(text, next)) == "corrupt");
  }
}

TEST_CASE("k8s: the items of a list are bounded one by one") {
  std::size_t most = 0;
  int count = 0;
  ListReader reader(
      [&](std::string_view item) -> Result<> {
        most = std::max(most, item.size());
        ++count;
        return {};
      },
      100);
  REQUIRE(reader.feed(R"({"items":[)"));
  for (int i = 0; i < 100000; ++i) {
    REQUIRE(reader.feed(R"({"a":"0123456789"},)"));
  }
  CHECK(count == 100000);
  CHECK(most == 18);
  CHECK(code_of(reader.feed(R"({"a":")" + std::string(100, 'x'))) == "exhausted");
  ListReader endless([](std::string_view) -> Result<> { return {}; }, 100);
  CHECK(code_of(endless.feed(R"({"metadata":{"x":")" + std::string(100000, 'x'))) == "exhausted");
}

TEST_CASE("k8s: pods that ask for a branch ENI") {
  const auto asks = [](const std::string& containers) {
    const auto pod =
        parse_pod(R"({"metadata":{"name":"a"},"spec":{"containers":)" + containers + "}}");
    REQUIRE(pod);
    return pod->wants_branch_eni;
  };
  CHECK(asks(R"([{"resources":{"limits":{"cpu":"1","vpc.amazonaws.com/pod-eni":"1"}}}])"));
  CHECK(asks(R"([{"resources":{"limits":{"vpc.amazonaws.com/pod-eni-x":"1"}}},{}])"));
  CHECK_FALSE(asks(R"([{},{"resources":{"limits":{"vpc.amazonaws.com/pod-eni":"1"}}}])"));
  CHECK_FALSE(asks(R"([{"resources":{"requests":{"vpc.amazonaws.com/pod-eni":"1"}}}])"));
  for (const char* odd : {"[]", "{}", "null", "[1]", R"([{"resources":{"limits":[]}}])"}) {
    CHECK_FALSE(asks(odd));
  }
}

TEST_CASE("k8s: ENIConfigs and CNINodes") {
  const auto config = parse_eni_config(
      R"({"metadata":{"name":"us-west-2a"},"spec":{"subnet":"subnet-1","securityGroups":["sg-1"]}})");
  REQUIRE(config);
  CHECK(*config ==
        EniConfig{"us-west-2a", net::SubnetId("subnet-1"), {net::SecurityGroupId("sg-1")}});
  CHECK(parse_eni_config(R"({"metadata":{"name":"a"}})")->security_groups.empty());
  CHECK(code_of(parse_eni_config(R"({"metadata":{}})")) == "corrupt");
  CHECK(code_of(parse_eni_config(
            R"({"metadata":{"name":"a"},"spec":{"securityGroups":["sg-1",2]}})")) == "corrupt");
  const auto node = parse_cni_node(
      R"({"metadata":{"name":"n","resourceVersion":"7"},"spec":{"features":[
          {"name":"SecurityGroupsForPods"},{"name":"CustomNetworking","value":"a"}]}})");
  REQUIRE(node);
  CHECK(node->version == "7");
  REQUIRE(node->features.size() == 2);
  CHECK(node->features[1] == CniNode::Feature{"CustomNetworking", "a"});
  CHECK(code_of(parse_cni_node(R"({"metadata":{"name":"n"}})")) == "corrupt");
  std::string many = R"({"metadata":{"name":"n","resourceVersion":"7"},"spec":{"features":[{})";
  for (int i = 0; i < 64; ++i) {
    many += ",{}";
  }
  CHECK(code_of(parse_cni_node(many + "]}}")) == "corrupt");
}

TEST_CASE("k8s: pods that take no address of the pool") {
  CHECK(parse_pod(R"({"metadata":{"name":"a"},"spec":{"hostNetwork":true}})")->host_network);
  CHECK_FALSE(
      parse_pod(R"({"metadata":{"name":"a"},"spec":{"hostNetwork":"true"}})")->host_network);
  CHECK_FALSE(parse_pod(R"({"metadata":{"name":"a"}})")->host_network);
  CHECK(parse_pod(R"({"metadata":{"name":"a"},"status":{"phase":"Failed"}})")->finished);
  CHECK(parse_pod(R"({"metadata":{"name":"a"},"status":{"phase":"Succeeded"}})")->finished);
  CHECK_FALSE(parse_pod(R"({"metadata":{"name":"a"},"status":{"phase":"Running"}})")->finished);
}

}  // namespace
}  // namespace vpccni::k8s
