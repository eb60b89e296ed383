// The faces over real sockets, asked by the project's own clients from another thread.

#include <catch2/catch.hpp>
#include <functional>
#include <thread>

#include "aws/credentials.h"
#include "aws/ec2_http.h"
#include "aws/imds_http.h"
#include "base/json.h"
#include "http/client.h"
#include "tests/vpc/control.h"
#include "tests/vpc/ec2_face.h"
#include "tests/vpc/imds_face.h"
#include "tests/vpc/query.h"
#include "tests/vpc/topology.h"

using namespace vpccni;
using namespace vpccni::vpc;
using namespace std::chrono_literals;

namespace {

struct Site {
  explicit Site(const std::string& type = "m5.large", Lags lags = Lags::none())
      : model(options(lags)),
        topology(default_topology(model, clock.now())),
        instance(*model.run_instance({.type = type, .subnet = topology.subnets[0]}, clock.now())),
        ec2(loop, model, clock),
        imds(loop, model, clock, instance.id),
        control(loop, model, clock, {}) {
    ec2_url = "http://127.0.0.1:" + std::to_string(*ec2.listen("127.0.0.1", 0));
    imds_url = "http://127.0.0.1:" + std::to_string(*imds.listen("127.0.0.1", 0));
    control_url = "http://127.0.0.1:" + std::to_string(*control.listen("127.0.0.1", 0));
    thread = std::thread([this] { loop.run(); });
  }
  ~Site() {
    loop.stop();
    thread.join();
    CHECK(model.check());
  }
  static ModelOptions options(Lags lags) {
    ModelOptions options;
    options.lags = lags;
    return options;
  }

  http::Response send(const std::string& method, const std::string& url, http::Headers headers = {},
                      std::string body = {}) {
    http::Request request;
    request.method = method;
    request.url = url;
    request.headers = std::move(headers);
    request.body = std::move(body);
    request.proxy = false;
    request.timeout = 5s;
    const auto answer = client->send(request);
    REQUIRE(answer);
    return *answer;
  }
  base::Json control_post(const std::string& path, const std::string& body) {
    const auto answer = send("POST", control_url + path, {}, body);
    INFO(answer.body);
    REQUIRE(answer.status == 200);
    return *base::parse_json(answer.body);
  }

  base::SystemClock clock;
  event::Loop loop;
  Model model;
  Topology topology;
  Instance instance;
  Ec2Face ec2;
  ImdsFace imds;
  Control control;
  std::string ec2_url;
  std::string imds_url;
  std::string control_url;
  std::unique_ptr<http::Client> client = http::make_curl_client({});
  std::thread thread;
};

/// The agent's clients, with the instance's role from IMDS.
struct Agent {
  explicit Agent(Site& site)
      : client(http::make_curl_client({})),
        imds(*client, site.clock, {.endpoint = site.imds_url}),
        keys(aws::make_source({}, "", *client, imds, site.clock, ""), site.clock),
        ec2(*client, keys, site.clock,
            {.endpoint = site.ec2_url, .region = "us-west-2", .timeout = 2s, .retry_unit = 1ms}) {}

  std::unique_ptr<http::Client> client;
  aws::ImdsHttp imds;
  aws::CredentialCache keys;
  aws::Ec2Http ec2;
};

}  // namespace

TEST_CASE("the agent's clients see one VPC through both faces") {
  Site site;
  Agent agent(site);
  const auto identity = agent.imds.identity();
  REQUIRE(identity);
  REQUIRE(identity->id == site.instance.id);
  REQUIRE(identity->region == "us-west-2");
  REQUIRE(identity->primary_eni == site.instance.primary_eni);
  REQUIRE(identity->vpc == site.topology.vpc);

  const auto eni = agent.ec2.create({.subnet = identity->primary_subnet,
                                     .groups = {site.topology.nodes},
                                     .description = "aws-K8S-<\"&>",
                                     .tags = {{"a key", "a+b/c"}},
                                     .secondary_addresses = 2});
  REQUIRE(eni);
  REQUIRE(eni->addresses.size() == 3);
  REQUIRE(eni->tags == aws::Tags{{"a key", "a+b/c"}});
  REQUIRE(eni->description == "aws-K8S-<\"&>");
  const auto attachment =
      agent.ec2.attach(eni->id, identity->id, net::NetworkCard(0), net::DeviceIndex(1));
  REQUIRE(attachment);
  REQUIRE(agent.ec2.delete_on_termination(eni->id, *attachment));
  const auto attached = agent.ec2.attachments(identity->id);
  REQUIRE(attached);
  REQUIRE(attached->size() == 2);
  REQUIRE(agent.ec2.assign_prefixes(eni->id, 1)->prefixes.size() == 1);
  REQUIRE(agent.ec2.assign_addresses(eni->id, 1)->addresses.size() == 1);
  REQUIRE(agent.ec2.assign_addresses(eni->id, 10).error().cause == "PrivateIpAddressLimitExceeded");
  REQUIRE(agent.ec2.assign_ipv6_prefixes(eni->id, 1)->prefixes.size() == 1);

  const auto shown = agent.imds.enis();
  REQUIRE(shown);
  REQUIRE(shown->size() == 2);
  REQUIRE((*shown)[1].id == eni->id);
  REQUIRE((*shown)[1].addresses.size() == 4);
  REQUIRE((*shown)[1].addresses[0] == eni->addresses[0].ip);
  REQUIRE((*shown)[1].prefixes.size() == 1);
  REQUIRE(to_string(*(*shown)[1].subnet_ipv4) == "10.0.1.0/24");
  REQUIRE(agent.imds.vpc_ipv4_cidrs(eni->mac)->size() == 1);
  REQUIRE(*agent.imds.security_groups(eni->mac) ==
          std::vector<net::SecurityGroupId>{site.topology.nodes});

  const auto subnets = agent.ec2.subnets(site.topology.vpc, "us-west-2a");
  REQUIRE(subnets);
  REQUIRE(subnets->size() == 1);
  REQUIRE((*subnets)[0].available_addresses == 251 - 1 - 4 - 16);
  REQUIRE(agent.ec2.unassign_addresses(eni->id, {eni->addresses[1].ip}));
  REQUIRE(agent.ec2.detach(*attachment));
  REQUIRE(agent.ec2.remove(eni->id));
  REQUIRE(agent.ec2.remove(eni->id).error().cause == "InvalidNetworkInterfaceID.NotFound");
  REQUIRE(agent.ec2.instance_type("m9x.large")->ipv4_per_eni == 10);
}

TEST_CASE("only good signatures are let in") {
  Site site;
  const std::string body = "Action=DescribeVpcs&Version=2016-11-15";
  const auto ask = [&](const aws::Credentials& keys, std::string_view region, base::Duration skew) {
    auto headers = *aws::sign({.host = site.ec2_url.substr(7), .body = body}, keys, region, "ec2",
                              site.clock.now().wall + skew);
    return site.send("POST", site.ec2_url + "/", headers, body);
  };
  const aws::Credentials good{site.topology.key.id, site.topology.key.secret, ""};
  const auto code = [](const http::Response& answer) {
    const auto error = aws::parse_error(answer.body);
    return error ? error->code : "none";
  };
  REQUIRE(ask(good, "us-west-2", 0s).status == 200);
  REQUIRE(ask(good, "us-west-2", 4min).status == 200);
  REQUIRE(code(ask(good, "us-west-2", 6min)) == "RequestExpired");
  REQUIRE(code(ask(good, "us-west-2", -6min)) == "RequestExpired");
  REQUIRE(code(ask(good, "us-east-1", 0s)) == "AuthFailure");
  REQUIRE(ask({good.access_key, "wrong", ""}, "us-west-2", 0s).status == 401);
  REQUIRE(code(ask({"AKIDNOBODY", good.secret_key, ""}, "us-west-2", 0s)) == "AuthFailure");
  REQUIRE(code(ask({good.access_key, good.secret_key, "tok"}, "us-west-2", 0s)) == "AuthFailure");
  REQUIRE(code(site.send("POST", site.ec2_url + "/", {}, body)) == "AuthFailure");
}

TEST_CASE("faults of the EC2 face reach the client, and the work is done or not") {
  Site site;
  Agent agent(site);
  const auto eni = agent.ec2.create({.subnet = site.topology.subnets[0]});
  REQUIRE(eni);
  const auto addresses = [&] {
    return agent.ec2.network_interfaces({.ids = {eni->id}})->front().addresses.size();
  };
  const auto assign_with = [&](const std::string& fault) {
    site.control_post("/fault", fault);
    const auto done = agent.ec2.assign_addresses(eni->id, 1);
    REQUIRE(site.send("DELETE", site.control_url + "/fault").status == 200);
    return done;
  };
  const std::string action = R"("action":"AssignPrivateIpAddresses")";
  REQUIRE(assign_with("{\"kind\":\"throttle\",\"times\":1," + action + "}"));  // retried
  REQUIRE(addresses() == 2);
  REQUIRE(assign_with("{\"kind\":\"deny\"," + action + "}").error().cause ==
          "UnauthorizedOperation");
  REQUIRE(assign_with("{\"kind\":\"fail\",\"code\":\"InsufficientCidrBlocks\"," + action + "}")
              .error()
              .cause == "InsufficientCidrBlocks");
  REQUIRE_FALSE(assign_with("{\"kind\":\"cut\"," + action + "}"));
  REQUIRE_FALSE(assign_with("{\"kind\":\"http_status\",\"status\":500," + action + "}"));
  REQUIRE_FALSE(assign_with("{\"kind\":\"error_in_200\"," + action + "}"));
  REQUIRE(addresses() == 2);
  // On a connection of its own: libcurl itself repeats a request whose kept-alive connection ends
  // without an answer, which is not what is tested here.
  site.control_post("/fault", "{\"kind\":\"lose_answer\",\"times\":1," + action + "}");
  REQUIRE_FALSE(Agent(site).ec2.assign_addresses(eni->id, 1));
  REQUIRE(addresses() == 3);
  REQUIRE_FALSE(assign_with("{\"kind\":\"garbage\",\"times\":1," + action + "}"));
  REQUIRE(addresses() == 4);
  REQUIRE(assign_with("{\"kind\":\"slow_drip\",\"delay_ms\":1," + action + "}"));
  REQUIRE(addresses() == 5);
  const auto before = site.clock.now().steady;
  REQUIRE_FALSE(assign_with("{\"kind\":\"black_hole\"," + action + "}"));
  REQUIRE(site.clock.now().steady - before >= 2s);
  REQUIRE(assign_with("{\"kind\":\"delay\",\"delay_ms\":300," + action + "}"));
}

TEST_CASE("a stale EC2 lists what was there before, while changes are carried out") {
  Site site;
  Agent agent(site);
  const auto eni = agent.ec2.create({.subnet = site.topology.subnets[0]});
  REQUIRE(eni);
  const auto addresses = [&] {
    return agent.ec2.network_interfaces({.ids = {eni->id}})->front().addresses.size();
  };
  site.control_post("/fault", R"({"kind":"stale"})");
  REQUIRE(agent.ec2.assign_addresses(eni->id, 3));
  REQUIRE(addresses() == 1);
  REQUIRE(site.send("DELETE", site.control_url + "/fault").status == 200);
  REQUIRE(addresses() == 4);
}

TEST_CASE("a delayed answer does not hold up others") {
  Site site;
  Agent agent(site);
  REQUIRE(agent.keys.get());
  site.control_post("/fault", R"({"kind":"delay","delay_ms":1500,"action":"DescribeSubnets"})");
  bool answered = false;
  std::thread slow(
      [&] { answered = agent.ec2.subnets(site.topology.vpc, "us-west-2a").has_value(); });
  std::this_thread::sleep_for(100ms);
  const auto before = site.clock.now().steady;
  CHECK(agent.ec2.attachments(site.instance.id));
  CHECK(site.clock.now().steady - before < 1s);
  slow.join();
  REQUIRE(answered);
}

TEST_CASE("IMDS wants tokens and lists as the real one") {
  Site site;
  const auto token = [&](const std::string& ttl) {
    return site.send("PUT", site.imds_url + "/latest/api/token",
                     {{"x-aws-ec2-metadata-token-ttl-seconds", ttl}});
  };
  const std::string meta = site.imds_url + "/latest/meta-data/";
  REQUIRE(site.send("GET", meta).status == 401);
  REQUIRE(token("0").status == 400);
  REQUIRE(token("x").status == 400);
  REQUIRE(site.send("POST", site.imds_url + "/latest/api/token").status == 405);
  const auto good = token("60");
  REQUIRE(good.status == 200);
  REQUIRE(http::header(good.headers, "x-aws-ec2-metadata-token-ttl-seconds") == "60");
  const http::Headers proof = {{"x-aws-ec2-metadata-token", good.body}};
  const auto get = [&](const std::string& path) { return site.send("GET", meta + path, proof); };
  REQUIRE(get("").body.find("iam/\n") != std::string::npos);
  REQUIRE(get("").body.find("instance-id\n") != std::string::npos);
  const auto mac = to_string(site.instance.primary_mac);
  REQUIRE(get("network/interfaces/macs").body == mac + "/");
  REQUIRE(get("network/interfaces/macs/").body == mac + "/");
  REQUIRE(get("network/interfaces/macs/" + mac).body.find("device-number\n") == 0);
  REQUIRE(get("network/interfaces/macs/" + mac + "/ipv4-prefix").status == 404);
  REQUIRE(get("network/interfaces/macs/" + mac + "/network-card").status == 404);
  REQUIRE(get("iam/security-credentials/").body == "node-role");
  REQUIRE(get("instance-idx").status == 404);
  REQUIRE(get("services/domain").body == "amazonaws.com");
  REQUIRE(site.send("GET", meta, {{"x-aws-ec2-metadata-token", "bad"}}).status == 401);

  const auto fault = [&](const std::string& members) {
    site.control_post("/imds-fault",
                      "{\"instance\":\"" + to_string(site.instance.id) + "\"" + members + "}");
  };
  fault(R"(,"missing":["meta-data/local-ipv4"],"unavailable":1)");
  REQUIRE(get("mac").status == 503);
  REQUIRE(get("local-ipv4").status == 404);
  fault(R"(,"tokens_refused":true)");
  REQUIRE(token("60").status == 403);
  fault("");
  REQUIRE(get("local-ipv4").body == "10.0.1.4");
}

TEST_CASE("the control face") {
  Site site;
  const auto made = site.control_post("/instance", R"({"type":"t3.small"})");
  REQUIRE(made["type"] == "t3.small");
  site.control_post("/terminate", "{\"instance\":" + made["id"].dump() + "}");
  const auto state = *base::parse_json(site.send("GET", site.control_url + "/state").body);
  REQUIRE(state["instances"].size() == 2);
  REQUIRE(state["enis"].size() == 1);
  REQUIRE(site.send("GET", site.control_url + "/check").status == 200);
  const auto status = [&](const std::string& path, const std::string& body) {
    return site.send("POST", site.control_url + path, {}, body).status;
  };
  REQUIRE(status("/fault", R"({"kind":"nonsense"})") == 400);
  REQUIRE(status("/fault", R"({"kind":"deny","acton":"X"})") == 400);
  REQUIRE(status("/fault", "{") == 400);
  REQUIRE(status("/fault", "[]") == 400);
  REQUIRE(status("/nowhere", "{}") == 404);
  REQUIRE(status("/terminate", R"({"instance":"i-0"})") == 404);
}

TEST_CASE("wildcards of filters") {
  REQUIRE(matches("a*c", "abbc"));
  REQUIRE(matches("*", ""));
  REQUIRE(matches("a?c*", "abcdef"));
  REQUIRE(matches("*b*b", "abab"));
  REQUIRE_FALSE(matches("a*c", "abcd"));
  REQUIRE_FALSE(matches("a?", "a"));
  REQUIRE_FALSE(matches("A", "a"));
}
