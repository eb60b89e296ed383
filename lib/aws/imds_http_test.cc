// The IMDS edge against an IMDS in memory: the token flow of spec aws.md 4.2, the retries of 4.4
// and the reads of 4.3.
#include "aws/imds_http.h"

#include <catch2/catch.hpp>
#include <deque>
#include <map>

namespace vpccni::aws {
namespace {

using std::chrono::seconds;

class FakeClock final : public base::Clock {
 public:
  base::Instant now() const override { return now_; }
  bool wait_until(base::SteadyTime until, std::stop_token) const override {
    waits.push_back(until - now_.steady);
    now_ = now_ + waits.back();
    return true;
  }
  mutable std::vector<base::Duration> waits;

 private:
  mutable base::Instant now_{base::SteadyTime(seconds(1000)), base::WallTime(seconds(1765972800))};
};

constexpr int kSilent = 0;

class FakeService final : public http::Client {
 public:
  explicit FakeService(const FakeClock& clock) : clock_(clock) {}

  std::map<std::string, std::string> tree;  // below /latest/
  bool tokens_required = true;
  int token_status = 200;
  std::string ttl = "300";
  std::string token_tail;        // of every token given
  std::deque<int> get_troubles;  // statuses of the next reads, kSilent for none
  int get_always = 200;
  std::vector<http::Request> requests;

  void forget_tokens() { tokens_.clear(); }
  int count(const std::string& method) const {
    return static_cast<int>(std::count_if(requests.begin(), requests.end(),
                                          [&](const auto& one) { return one.method == method; }));
  }

  Result<http::Response> send(const http::Request& request, const std::stop_token&) override {
    requests.push_back(request);
    const std::string root = "http://169.254.169.254/latest/";
    REQUIRE(request.url.starts_with(root));
    const std::string path = request.url.substr(root.size());
    return request.method == "PUT" ? give_token(request, path) : read(request, path);
  }
  Result<http::Response> stream(const http::Request&, const http::Chunk&,
                                const std::stop_token&) override {
    return Error{Errc::unsupported, "IMDS does not stream"};
  }

 private:
  Result<http::Response> give_token(const http::Request& request, const std::string& path) {
    if (token_status == kSilent) {
      return Error{Errc::timeout, "no answer"};
    }
    if (token_status != 200) {
      return http::Response{token_status, {}, "<html/>"};
    }
    CHECK(path == "api/token");
    CHECK(http::header(request.headers, "x-aws-ec2-metadata-token-ttl-seconds") == "300");
    const std::string token =
        token_tail == "none" ? "" : "T" + std::to_string(++given_) + token_tail;
    tokens_[token] = clock_.now().steady + seconds(300);
    http::Headers headers;
    if (!ttl.empty()) {
      headers = {{"X-Aws-Ec2-Metadata-Token-Ttl-Seconds", ttl}};
    }
    return http::Response{200, headers, token};
  }
  Result<http::Response> read(const http::Request& request, const std::string& path) {
    int status = get_always;
    if (!get_troubles.empty()) {
      status = get_troubles.front();
      get_troubles.pop_front();
    }
    if (status == kSilent) {
      return Error{Errc::timeout, "no answer"};
    }
    if (status != 200) {
      return http::Response{status, {}, "<html/>"};
    }
    const std::string token(http::header(request.headers, "x-aws-ec2-metadata-token"));
    const auto known = tokens_.find(token);
    const bool good = known != tokens_.end() && clock_.now().steady < known->second;
    if (!good && (tokens_required || !token.empty())) {
      return http::Response{401, {}, ""};
    }
    const auto found = tree.find(path);
    return found == tree.end() ? http::Response{404, {}, "<html>not found</html>"}
                               : http::Response{200, {}, found->second};
  }

  const FakeClock& clock_;
  std::map<std::string, base::SteadyTime> tokens_;
  int given_ = 0;
};

const std::string kMacs = "meta-data/network/interfaces/macs";
const std::string kPrimary = kMacs + "/02:00:00:00:00:01";
const std::string kSecond = kMacs + "/02:11:22:33:44:55";

struct Site {
  explicit Site(ImdsOptions options = {}) : imds(service, clock, std::move(options)) {
    auto& tree = service.tree;
    tree["dynamic/instance-identity/document"] =
        R"({"accountId":"111122223333","region":"us-west-2","billingProducts":null})";
    tree["meta-data/placement/availability-zone"] = "us-west-2a";
    tree["meta-data/local-ipv4"] = "10.0.1.10";
    tree["meta-data/instance-id"] = "i-0123456789abcdef0";
    tree["meta-data/instance-type"] = "m5.large\n";
    tree["meta-data/mac"] = "02:00:00:00:00:01";
    tree[kMacs] = "02:11:22:33:44:55/\n02:00:00:00:00:01/";
    add(kPrimary, "eni-1", "0", "10.0.1.10\n10.0.1.11");
    add(kSecond, "eni-2", "1", "10.0.1.20");
    tree[kSecond] += "\nipv4-prefix\nipv6s";
    tree[kSecond + "/ipv4-prefix"] = "10.0.1.64/28\n10.0.1.96/28";
    tree[kSecond + "/ipv6s"] = "2001:db8:1:1::5";
    tree[kSecond + "/subnet-ipv6-cidr-blocks"] = "2001:db8:1:1::/64";
    tree[kSecond + "/ipv6-prefix"] = "2001:db8:1:1:aaaa::/80";
    tree[kPrimary + "/vpc-id"] = "vpc-1";
    tree[kPrimary + "/security-group-ids"] = "sg-a\nsg-b";
    tree[kPrimary + "/vpc-ipv4-cidr-blocks"] = "10.0.0.0/16\n100.64.0.0/16";
  }
  void add(const std::string& at, const std::string& id, const std::string& device,
           const std::string& addresses) {
    auto& tree = service.tree;
    tree[at] = "device-number\ninterface-id\nlocal-ipv4s\nmac\nsubnet-id\nsubnet-ipv4-cidr-block";
    tree[at + "/interface-id"] = id;
    tree[at + "/device-number"] = device;
    tree[at + "/subnet-id"] = "subnet-1";
    tree[at + "/local-ipv4s"] = addresses;
    tree[at + "/subnet-ipv4-cidr-block"] = "10.0.1.0/24";
  }
  FakeClock clock;
  FakeService service{clock};
  ImdsHttp imds;
};

const std::string kZone = "meta-data/placement/availability-zone";

std::string_view code_of(const auto& result) {
  return result ? std::string_view("success") : to_string(result.error().code);
}

TEST_CASE("imds: one token serves until it expires, nothing goes through a proxy") {
  Site site;
  for (int i = 0; i < 3; ++i) {
    CHECK(**site.imds.get(kZone) == "us-west-2a");
  }
  CHECK(site.service.count("PUT") == 1);
  CHECK(site.service.count("GET") == 3);
  site.clock.wait_for(seconds(301), {});
  CHECK(site.imds.get(kZone));
  CHECK(site.service.count("PUT") == 2);
  CHECK(site.service.count("GET") == 4);  // asked for in time, not after a 401
  for (const auto& request : site.service.requests) {
    CHECK_FALSE(request.proxy);
    CHECK(request.timeout <= seconds(5));
    CHECK(request.body_limit <= (1U << 20U));
  }
}

TEST_CASE("imds: a 401 brings a new token") {
  Site site;
  REQUIRE(site.imds.get(kZone));
  site.service.forget_tokens();
  CHECK(**site.imds.get(kZone) == "us-west-2a");
  CHECK(site.service.count("PUT") == 2);
  CHECK(site.service.count("GET") == 3);
  // One that refuses all tokens ends the read.
  site.service.get_always = 401;
  CHECK(code_of(site.imds.get(kZone)) == "unavailable");
  CHECK(site.service.count("GET") == 6);
}

TEST_CASE("imds: without tokens it is IMDSv1 for good, unless that is disabled") {
  for (const int status : {403, 404, 405}) {
    Site site;
    site.service.token_status = status;
    site.service.tokens_required = false;
    CHECK(**site.imds.get(kZone) == "us-west-2a");
    CHECK(site.imds.get(kZone));
    CHECK(site.service.count("PUT") == 1);
    CHECK(http::header(site.service.requests.back().headers, "x-aws-ec2-metadata-token").empty());
    // Until it is refused.
    site.service.token_status = 200;
    site.service.tokens_required = true;
    CHECK(**site.imds.get(kZone) == "us-west-2a");
    CHECK(site.service.count("PUT") == 2);

    Site strict({.v1_disabled = true});
    strict.service.token_status = status;
    strict.service.tokens_required = false;
    CHECK_FALSE(strict.imds.get(kZone));
    CHECK(strict.service.count("GET") == 0);
  }
}

TEST_CASE("imds: a refused token request is final") {
  Site site;
  site.service.token_status = 400;
  CHECK(code_of(site.imds.get(kZone)) == "invalid_argument");
  CHECK(site.service.requests.size() == 1);
}

TEST_CASE("imds: a token that is none is not used") {
  struct Row {
    const char *ttl, *tail;
  };
  for (const Row& row :
       {Row{"", ""}, Row{"soon", ""}, Row{"0", ""}, Row{"-1", ""}, Row{"99999999999999999999", ""},
        Row{"300", "none"}, Row{"300", "\r\nX-Evil: 1"}}) {
    INFO(row.ttl << " " << row.tail);
    Site site({.v1_disabled = true});
    site.service.tokens_required = false;
    site.service.ttl = row.ttl;
    site.service.token_tail = row.tail;
    CHECK(code_of(site.imds.get(kZone)) == "corrupt");
    CHECK(site.service.count("GET") == 0);
  }
}

TEST_CASE("imds: three attempts, one second apart") {
  for (const int trouble : {kSilent, 500, 502, 503, 504, 401}) {
    INFO(trouble);
    Site site;
    site.service.get_troubles = {trouble, trouble};
    CHECK(**site.imds.get(kZone) == "us-west-2a");
    CHECK(site.clock.waits == std::vector<base::Duration>{seconds(1), seconds(1)});
    site.service.get_troubles = {trouble, trouble, trouble};
    const int before = site.service.count("GET");
    CHECK_FALSE(site.imds.get(kZone));
    CHECK(site.service.count("GET") == before + 3);
  }
  for (const int refusal : {400, 403, 429}) {
    INFO(refusal);
    Site site;
    site.service.get_troubles = {refusal};
    const auto result = site.imds.get(kZone);
    REQUIRE_FALSE(result);
    CHECK(result.error().message.find(kZone) != std::string::npos);
    CHECK(site.service.count("GET") == 1);
  }
}

TEST_CASE("imds: a black hole ends in a clear error") {
  Site site;
  site.service.token_status = kSilent;
  site.service.get_always = kSilent;
  const auto result = site.imds.get(kZone);
  CHECK(code_of(result) == "timeout");
  CHECK(result.error().message.find(kZone) != std::string::npos);
  CHECK(site.service.requests.size() <= 6);
}

TEST_CASE("imds: switched off, it makes no request") {
  Site site({.disabled = true});
  CHECK(code_of(site.imds.identity()) == "unavailable");
  CHECK(code_of(site.imds.enis()) == "unavailable");
  CHECK(site.service.requests.empty());
}

TEST_CASE("imds: 404 is nothing where that is allowed, else an error") {
  Site site;
  const auto none = site.imds.get("meta-data/nothing");
  REQUIRE(none);
  CHECK_FALSE(none->has_value());
  CHECK(site.service.count("GET") == 1);
  const net::Mac primary = *net::Mac::parse("02:00:00:00:00:01");
  const net::Mac other = *net::Mac::parse("02:00:00:00:00:99");
  CHECK(site.imds.vpc_ipv6_cidrs(primary)->empty());
  CHECK(site.imds.vpc_ipv4_cidrs(primary)->size() == 2);
  CHECK(code_of(site.imds.vpc_ipv4_cidrs(other)) == "not_found");
  CHECK(site.imds.security_groups(primary)->size() == 2);
  CHECK(code_of(site.imds.security_groups(other)) == "not_found");
  site.service.tree[kPrimary + "/vpc-ipv6-cidr-blocks"] = "2001:db8:1::/56";
  CHECK(site.imds.vpc_ipv6_cidrs(primary)->size() == 1);
}

TEST_CASE("imds: identity") {
  Site site;
  const auto identity = site.imds.identity();
  REQUIRE(identity);
  CHECK(identity->id.str() == "i-0123456789abcdef0");
  CHECK(identity->type == "m5.large");
  CHECK(identity->region == "us-west-2");
  CHECK(identity->availability_zone == "us-west-2a");
  CHECK(identity->vpc.str() == "vpc-1");
  CHECK(to_string(identity->primary_mac) == "02:00:00:00:00:01");
  CHECK(identity->primary_eni.str() == "eni-1");
  CHECK(identity->primary_subnet.str() == "subnet-1");
  CHECK(to_string(identity->local_ipv4) == "10.0.1.10");
}

TEST_CASE("imds: every part of the identity is needed") {
  for (const std::string& path :
       {std::string("dynamic/instance-identity/document"), kZone,
        std::string("meta-data/local-ipv4"), std::string("meta-data/instance-id"),
        std::string("meta-data/instance-type"), std::string("meta-data/mac"),
        kPrimary + "/interface-id", kPrimary + "/subnet-id", kPrimary + "/vpc-id"}) {
    INFO(path);
    Site site;
    site.service.tree.erase(path);
    CHECK(code_of(site.imds.identity()) == "not_found");
    site.service.tree[path] = " \n";
    CHECK(code_of(site.imds.identity()) == "not_found");
  }
}

TEST_CASE("imds: a broken identity document is corrupt") {
  Site site;
  std::string& document = site.service.tree["dynamic/instance-identity/document"];
  const std::string whole = document;
  for (std::size_t n = 1; n < whole.size(); ++n) {
    document = whole.substr(0, n);
    if (code_of(site.imds.identity()) != "corrupt") {
      FAIL("taken for whole after " << n << " bytes");
    }
  }
  for (const char* text : {"[]", "null", "{}", R"({"region":""})", R"({"region":7})", "<html/>"}) {
    INFO(text);
    document = text;
    CHECK(code_of(site.imds.identity()) == "corrupt");
  }
  document = std::string(100000, '[');
  CHECK(code_of(site.imds.identity()) == "corrupt");
  document = whole;
  site.service.tree["meta-data/mac"] = "02:00:00:00:00";
  CHECK(code_of(site.imds.identity()) == "corrupt");
  site.service.tree["meta-data/mac"] = "02:00:00:00:00:01";
  site.service.tree["meta-data/local-ipv4"] = "10.0.1.256";
  CHECK(code_of(site.imds.identity()) == "corrupt");
}

TEST_CASE("imds: a scan of the ENIs") {
  Site site;
  site.service.tree[kPrimary + "/device-number"] = "3";  // IMDS has been seen to say so
  const auto enis = site.imds.enis();
  REQUIRE(enis);
  REQUIRE(enis->size() == 2);
  const ImdsEni& first = enis->at(0);
  CHECK(first.id.str() == "eni-1");
  CHECK(first.device == net::DeviceIndex(0));
  CHECK(first.card == net::NetworkCard(0));  // no network-card key
  CHECK(first.addresses == std::vector{*net::Ip::parse("10.0.1.10"), *net::Ip::parse("10.0.1.11")});
  CHECK(first.prefixes.empty());
  REQUIRE(first.subnet);
  CHECK(first.subnet->str() == "subnet-1");
  CHECK(first.subnet_ipv4 == *net::Cidr::parse("10.0.1.0/24"));
  const ImdsEni& second = enis->at(1);
  CHECK(to_string(second.mac) == "02:11:22:33:44:55");
  CHECK(second.device == net::DeviceIndex(1));
  CHECK(second.prefixes.size() == 2);
  CHECK(second.ipv6_addresses == std::vector{*net::Ip::parse("2001:db8:1:1::5")});
  CHECK(second.subnet_ipv6 == *net::Cidr::parse("2001:db8:1:1::/64"));
  CHECK(second.ipv6_prefixes == std::vector{*net::Cidr::parse("2001:db8:1:1:aaaa::/80")});
}

TEST_CASE("imds: ENIs are in the order of card and device; an efa-only one has no address") {
  Site site;
  const std::string third = kMacs + "/02:11:22:33:44:66";
  site.service.tree[kMacs] = "02:11:22:33:44:66/\n02:11:22:33:44:55\n02:00:00:00:00:01/\n";
  site.add(third, "eni-3", "0", "");
  site.service.tree[third] = "device-number\ninterface-id\nmac\nnetwork-card\nsubnet-id";
  site.service.tree[third + "/network-card"] = "1";
  const auto enis = site.imds.enis();
  REQUIRE(enis);
  REQUIRE(enis->size() == 3);
  CHECK(enis->at(0).id.str() == "eni-1");
  CHECK(enis->at(1).id.str() == "eni-2");
  CHECK(enis->at(2).id.str() == "eni-3");
  CHECK(enis->at(2).card == net::NetworkCard(1));
  CHECK(enis->at(2).addresses.empty());
  CHECK_FALSE(enis->at(2).subnet_ipv4);
}

TEST_CASE("imds: a malformed list is corrupt, never an empty or shorter one") {
  struct Row {
    std::string path, body;
  };
  const Row rows[] = {{kMacs, "02:11:22:33:44:55/\n02:00:00:00:00/"},
                      {kMacs, "<html>busy</html>"},
                      {kMacs, "02:00:00:00:00:01//"},
                      {kPrimary + "/local-ipv4s", "10.0.1.10\n10.0.1"},
                      {kPrimary + "/local-ipv4s", "10.0.1.10,10.0.1.11"},
                      {kPrimary + "/local-ipv4s", "<html>busy</html>"},
                      {kPrimary + "/subnet-ipv4-cidr-block", "10.0.1.0"},
                      {kPrimary + "/device-number", "zero"},
                      {kSecond + "/device-number", "-1"},
                      {kSecond + "/ipv4-prefix", "10.0.1.64/28\n10.0.1.96/40"},
                      {kSecond + "/ipv6s", "2001:db8::1::2"},
                      {kSecond + "/subnet-ipv6-cidr-blocks", "2001:db8::"},
                      {kSecond + "/ipv6-prefix", "2001:db8:1:1:aaaa::/129"}};
  for (const Row& row : rows) {
    INFO(row.path << " " << row.body);
    Site site;
    site.service.tree[row.path] = row.body;
    CHECK(code_of(site.imds.enis()) == "corrupt");
  }
  Site site;
  site.service.tree[kSecond] += "\nnetwork-card";
  site.service.tree[kSecond + "/network-card"] = "one";
  CHECK(code_of(site.imds.enis()) == "corrupt");
  site.service.tree[kPrimary + "/vpc-ipv4-cidr-blocks"] = "10.0.0.0/16\nmore";
  CHECK(code_of(site.imds.vpc_ipv4_cidrs(*net::Mac::parse("02:00:00:00:00:01"))) == "corrupt");
}

TEST_CASE("imds: an ENI that vanishes in the middle fails the scan") {
  for (const char* key : {"", "/interface-id", "/device-number"}) {
    INFO(key);
    Site site;
    site.service.tree.erase(kSecond + key);
    const auto enis = site.imds.enis();
    CHECK(code_of(enis) == "not_found");
    CHECK(enis.error().message.find("02:11:22:33:44:55") != std::string::npos);
  }
  Site site;
  site.service.tree[kMacs] = "";
  CHECK(code_of(site.imds.enis()) == "not_found");
}

}  // namespace
}  // namespace vpccni::aws
