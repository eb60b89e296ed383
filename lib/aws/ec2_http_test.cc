// The EC2 edge against a service in memory that checks signatures, carries requests out and can be
// made ill; time passes only when the edge waits.
#include "aws/ec2_http.h"

#include <catch2/catch.hpp>
#include <deque>
#include <set>

#include "base/text.h"

namespace vpccni::aws {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

const net::EniId kEni("eni-1");
constexpr std::string_view kSecret = "wJalrXUtnFEMI-secret-";
constexpr std::string_view kToken = "IQoJb3JpZ2lu-session-";

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
  mutable base::Instant now_{base::SteadyTime(seconds(1000)),
                             base::WallTime(seconds(1765972800))};  // 2025-12-17T12:00:00Z
};

/// Every fetch gives new keys, numbered from 1.
struct NumberedSource final : CredentialSource {
  explicit NumberedSource(int& counter) : fetched(counter) {}
  Result<TimedCredentials> fetch() override {
    const std::string n = std::to_string(++fetched);
    return TimedCredentials{{"AKID" + n, std::string(kSecret) + n, std::string(kToken) + n},
                            std::nullopt};
  }
  int& fetched;
};

std::string error_xml(const std::string& code, const std::string& message = "m") {
  return "<Response><Errors><Error><Code>" + code + "</Code><Message>" + message +
         "</Message></Error></Errors><RequestID>r</RequestID></Response>";
}

/// What the service does to one request instead of answering it.
struct Trouble {
  int status = 0;  // 0: no answer comes
  std::string body = {};
  Errc kind = Errc::timeout;  // without an answer
  std::string cause = {};
  bool carried_out = false;  // before it went wrong
};
const Trouble kThrottle{503, error_xml("RequestLimitExceeded")};
const Trouble kInternal{500, error_xml("InternalError")};
const Trouble kExpired{400, error_xml("RequestExpired")};
const Trouble kRefused{0, {}, Errc::unavailable, "ECONNREFUSED"};
const Trouble kLost{0, {}, Errc::timeout, {}, true};
const Trouble kReset{0, {}, Errc::unavailable, {}, true};

class FakeEc2 final : public http::Client {
 public:
  explicit FakeEc2(const FakeClock& clock) : clock_(clock) {}

  std::deque<Trouble> troubles;   // of the next requests, one each
  std::optional<Trouble> always;  // when there are no more of those
  base::Duration skew{};          // its clock minus ours
  base::Duration tolerance = minutes(5);
  int expire_after = -1;  // the first keys count for that many requests; -1 = always
  std::string date;       // of answers, instead of the true one
  bool endless = false;   // every page names a next one
  std::string answer;     // instead of the usual one
  std::vector<http::Request> requests;
  std::map<std::string, int> carried_out;    // by action
  std::map<std::string, int> enis_by_token;  // of CreateNetworkInterface

  void repeat(const Trouble& trouble, int times) {
    troubles.insert(troubles.end(), static_cast<std::size_t>(times), trouble);
  }
  std::string parameter(std::size_t request, const std::string& name) const {
    const auto form = decode(requests.at(request).body);
    const auto found = form.find(name);
    return found == form.end() ? "" : found->second;
  }

  Result<http::Response> send(const http::Request& request, const std::stop_token&) override {
    requests.push_back(request);
    std::optional<Trouble> trouble = always;
    if (!troubles.empty()) {
      trouble = troubles.front();
      troubles.pop_front();
    }
    auto form = decode(request.body);
    if (trouble && !trouble->carried_out) {
      return fail(*trouble);
    }
    const bool first_keys =
        http::header(request.headers, "Authorization").find("AKID1/") != std::string_view::npos;
    if (expire_after >= 0 && first_keys && expire_after-- == 0) {
      expire_after = 0;
      return reply(400, error_xml("RequestExpired"));
    }
    if (const auto refusal = check(request)) {
      return reply(401, *refusal);
    }
    auto body = carry_out(form);
    if (trouble) {
      return fail(*trouble);
    }
    return body;
  }
  Result<http::Response> stream(const http::Request&, const http::Chunk&,
                                const std::stop_token&) override {
    return Error{Errc::unsupported, "EC2 does not stream"};
  }

 private:
  static std::map<std::string, std::string> decode(const std::string& body) {
    std::map<std::string, std::string> form;
    for (const auto pair : base::split(body, '&')) {
      const auto at = pair.find('=');
      form[base::percent_decode(pair.substr(0, at), true)] =
          base::percent_decode(pair.substr(at + 1), true);
    }
    return form;
  }
  http::Response reply(int status, std::string body) const {
    std::string now = date;
    if (now.empty()) {
      const std::time_t at = std::chrono::system_clock::to_time_t(
          std::chrono::time_point_cast<seconds>(clock_.now().wall + skew));
      std::tm parts{};
      ::gmtime_r(&at, &parts);
      char text[64];
      now =
          std::string(text, std::strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &parts));
    }
    return {status, {{"Content-Type", "text/xml"}, {"date", now}}, std::move(body)};
  }
  Result<http::Response> fail(const Trouble& trouble) const {
    if (trouble.status == 0) {
      return Error{trouble.kind, "https://ec2.us-west-2.amazonaws.com/: no answer", trouble.cause};
    }
    return reply(trouble.status, trouble.body);
  }
  /// The error document if the signature is not right.
  std::optional<std::string> check(const http::Request& request) const {
    const std::string proof(http::header(request.headers, "Authorization"));
    const auto at = proof.find("Credential=AKID");
    if (at == std::string::npos || request.url != "https://ec2.us-west-2.amazonaws.com/") {
      return error_xml("AuthFailure");
    }
    const std::string number = proof.substr(at + 15, proof.find('/') - at - 15);
    http::Headers named;
    for (const char* name : {"content-type", "host", "x-amz-date", "x-amz-security-token"}) {
      named.emplace_back(name, http::header(request.headers, name));
    }
    const std::string signed_at(http::header(request.headers, "x-amz-date"));
    const auto wanted = signature("POST", "/", named, request.body, std::string(kSecret) + number,
                                  signed_at, "us-west-2", "ec2");
    std::tm parts{};
    ::strptime(signed_at.c_str(), "%Y%m%dT%H%M%SZ", &parts);
    const auto off = base::WallTime(seconds(::timegm(&parts))) - (clock_.now().wall + skew);
    if (!wanted || !proof.ends_with("Signature=" + *wanted) || std::chrono::abs(off) > tolerance) {
      return error_xml("AuthFailure");
    }
    return std::nullopt;
  }
  http::Response carry_out(std::map<std::string, std::string>& form) {
    const std::string action = form["Action"];
    ++carried_out[action];
    if (!answer.empty()) {
      return reply(200, answer);
    }
    std::string inside = "<return>true</return>";
    if (action == "CreateNetworkInterface") {
      const int n =
          enis_by_token.try_emplace(form["ClientToken"], enis_by_token.size() + 1).first->second;
      inside = "<networkInterface><networkInterfaceId>eni-" + std::to_string(n) +
               "</networkInterfaceId></networkInterface>";
    } else if (action == "DescribeNetworkInterfaces") {
      if (form.count("MaxResults") != 0 && form.count("NetworkInterfaceId.1") != 0) {
        return reply(400, error_xml("InvalidParameterCombination"));
      }
      inside = page(form, "networkInterfaceSet", "networkInterfaceId", "eni-");
    } else if (action == "DescribeSubnets") {
      inside = page(form, "subnetSet", "subnetId", "subnet-");
    } else if (action == "AttachNetworkInterface") {
      inside = "<attachmentId>eni-attach-1</attachmentId>";
    } else if (action == "AssignPrivateIpAddresses") {
      inside = "<assignedPrivateIpAddressesSet><item><privateIpAddress>10.0.0." +
               std::to_string(carried_out[action]) +
               "</privateIpAddress></item></assignedPrivateIpAddressesSet>";
    }
    return reply(200, "<" + action + "Response>" + inside + "</" + action + "Response>");
  }
  /// One object each page, three pages.
  std::string page(std::map<std::string, std::string>& form, const std::string& set,
                   const std::string& id, const std::string& prefix) const {
    const int n = form["NextToken"].empty() ? 1 : std::stoi(form["NextToken"]);
    std::string text = "<" + set + "><item><" + id + ">" + prefix + std::to_string(n) + "</" + id +
                       "></item></" + set + ">";
    const bool more = form.count("NetworkInterfaceId.1") == 0 && (endless || n < 3);
    return more ? text + "<nextToken>" + std::to_string(n + 1) + "</nextToken>" : text;
  }

  const FakeClock& clock_;
};

struct Site {
  explicit Site(int attempts = 3, base::Duration unit = seconds(1))
      : ec2(service, credentials, clock, options(attempts, unit)) {}
  static Ec2Options options(int attempts, base::Duration unit) {
    return {.endpoint = "https://ec2.us-west-2.amazonaws.com",
            .region = "us-west-2",
            .attempts = attempts,
            .retry_unit = unit};
  }
  FakeClock clock;
  FakeEc2 service{clock};
  int fetched = 0;
  CredentialCache credentials{std::make_unique<NumberedSource>(fetched), clock};
  Ec2Http ec2;
};

Errc code_of(const auto& result) {
  REQUIRE_FALSE(result);
  return result.error().code;
}

TEST_CASE("ec2 http: a request is signed, and anew as time passes") {
  Site site;
  REQUIRE(site.ec2.remove(kEni));
  REQUIRE(site.service.requests.size() == 1);  // the service has checked the signature
  const http::Request first = site.service.requests[0];
  CHECK(first.method == "POST");
  CHECK(http::header(first.headers, "x-amz-date") == "20251217T120000Z");
  CHECK(http::header(first.headers, "x-amz-security-token") == std::string(kToken) + "1");
  CHECK(first.timeout == seconds(10));
  site.clock.wait_for(seconds(1), {});
  REQUIRE(site.ec2.remove(kEni));
  const http::Request& second = site.service.requests[1];
  CHECK(second.body == first.body);
  CHECK(http::header(second.headers, "x-amz-date") == "20251217T120001Z");
  CHECK(http::header(second.headers, "Authorization") !=
        http::header(first.headers, "Authorization"));
}

TEST_CASE("ec2 http: retries and their delays") {
  struct Row {
    const Trouble& trouble;
    int times;
    bool ok;
    std::size_t requests;
  };
  const Trouble empty503{503}, empty504{504};
  const Row rows[] = {{kThrottle, 1, true, 2}, {kThrottle, 2, true, 3},  {kThrottle, 3, false, 3},
                      {kInternal, 2, true, 3}, {kInternal, 3, false, 3}, {empty503, 2, true, 3},
                      {empty504, 2, true, 3},  {kRefused, 2, true, 3},   {kLost, 2, true, 3},
                      {kReset, 2, true, 3}};
  for (const Row& row : rows) {
    Site site(3, milliseconds(100));
    site.service.repeat(row.trouble, row.times);
    const auto result = site.ec2.remove(kEni);
    INFO(row.trouble.status << " " << row.trouble.cause << " x" << row.times);
    CHECK(result.has_value() == row.ok);
    CHECK(site.service.requests.size() == row.requests);
    REQUIRE(site.clock.waits.size() == row.requests - 1);
    for (std::size_t k = 0; k < site.clock.waits.size(); ++k) {
      CHECK(site.clock.waits[k] >= base::Duration(0));
      CHECK(site.clock.waits[k] < milliseconds(200) * (1 << k));
    }
  }
}

TEST_CASE("ec2 http: the delay is random up to its bound, from the fifth retry on 20 units") {
  Site site(20);
  site.service.always = kThrottle;
  CHECK(code_of(site.ec2.remove(kEni)) == Errc::throttled);
  CHECK(site.service.requests.size() == 20);
  REQUIRE(site.clock.waits.size() == 19);
  for (std::size_t k = 4; k < 19; ++k) {
    CHECK(site.clock.waits[k] == seconds(20));
  }
  Site other(2);
  std::set<base::Duration> seen;
  for (int i = 0; i < 40; ++i) {
    other.service.repeat(kThrottle, 1);
    REQUIRE(other.ec2.remove(kEni));
    seen.insert(other.clock.waits.back());
  }
  CHECK(seen.size() > 30);
  CHECK(*seen.rbegin() > seconds(1));  // misses with a chance of 2^-40
  CHECK(*seen.rbegin() < seconds(2));
}

TEST_CASE("ec2 http: one attempt means one attempt") {
  Site site(1);
  site.service.repeat(kThrottle, 1);
  CHECK(code_of(site.ec2.remove(kEni)) == Errc::throttled);
  CHECK(site.service.requests.size() == 1);
  CHECK(site.clock.waits.empty());
}

TEST_CASE("ec2 http: the quota ends retries, successes fill it") {
  struct Row {
    const Trouble& trouble;
    int calls;  // of two retries each, until the bucket of 500 is empty
  };
  for (const Row& row : {Row{kThrottle, 50}, Row{kLost, 25}}) {
    Site site;
    site.service.always = row.trouble;
    for (int i = 0; i < row.calls; ++i) {
      REQUIRE_FALSE(site.ec2.remove(kEni));
    }
    const auto spent = static_cast<std::size_t>(row.calls) * 3;
    CHECK(site.service.requests.size() == spent);
    REQUIRE_FALSE(site.ec2.remove(kEni));
    CHECK(site.service.requests.size() == spent + 1);
    site.service.always.reset();
    for (int i = 0; i < 5; ++i) {
      REQUIRE(site.ec2.remove(kEni));
    }
    site.service.always = kThrottle;
    REQUIRE_FALSE(site.ec2.remove(kEni));  // five successes pay one retry
    CHECK(site.service.requests.size() == spent + 8);
  }
}

TEST_CASE("ec2 http: a successful retry gets its cost back") {
  Site site;
  for (int i = 0; i < 300; ++i) {
    site.service.repeat(kThrottle, 1);
    REQUIRE(site.ec2.remove(kEni));
  }
}

TEST_CASE("ec2 http: what could happen twice is tried again only if it did not happen") {
  const std::function<bool(Ec2&)> verbs[] = {
      [](Ec2& ec2) { return ec2.assign_addresses(kEni, 1).has_value(); },
      [](Ec2& ec2) { return ec2.assign_prefixes(kEni, 1).has_value(); },
      [](Ec2& ec2) {
        return ec2.attach(kEni, net::InstanceId("i-1"), net::NetworkCard(0), net::DeviceIndex(1))
            .has_value();
      }};
  for (const auto& verb : verbs) {
    for (const Trouble& unknown : {kLost, kReset, kInternal, Trouble{503}}) {
      Site site;
      site.service.repeat(unknown, 1);
      CHECK_FALSE(verb(site.ec2));
      CHECK(site.service.requests.size() == 1);
      CHECK(site.service.requests[0].fresh_connection);  // nor does the library repeat it
    }
    for (const Trouble& undone : {kThrottle, kRefused, kExpired}) {
      Site site;
      site.service.repeat(undone, 2);
      CHECK(verb(site.ec2));
      CHECK(site.service.requests.size() == 3);
      CHECK(site.service.carried_out.begin()->second == 1);
    }
  }
}

TEST_CASE("ec2 http: a creation keeps its token over attempts, the next has another") {
  Site site;
  site.service.repeat(kLost, 2);
  NewEni wanted;
  wanted.subnet = net::SubnetId("subnet-1");
  const auto one = site.ec2.create(wanted);
  REQUIRE(one);
  CHECK(site.service.requests.size() == 3);
  CHECK(site.service.enis_by_token.size() == 1);  // made once, asked three times
  const auto two = site.ec2.create(wanted);
  REQUIRE(two);
  CHECK(one->id != two->id);
  REQUIRE(site.service.enis_by_token.size() == 2);
  for (const auto& [token, n] : site.service.enis_by_token) {
    REQUIRE(token.size() == 36);
    CHECK(token[14] == '4');  // UUID version 4
    CHECK(std::string("89ab").find(token[19]) != std::string::npos);
  }
}

TEST_CASE("ec2 http: expired credentials are fetched anew at once") {
  for (const char* code : {"RequestExpired", "ExpiredToken", "ExpiredTokenException"}) {
    Site site;
    site.service.repeat({400, error_xml(code)}, 1);
    REQUIRE(site.ec2.remove(kEni));
    CHECK(site.fetched == 2);
    CHECK(site.clock.waits.empty());
    CHECK(http::header(site.service.requests[1].headers, "x-amz-security-token") ==
          std::string(kToken) + "2");
  }
  Site site;
  site.service.always = kExpired;
  CHECK(code_of(site.ec2.remove(kEni)) == Errc::denied);
  CHECK(site.service.requests.size() == 3);
}

TEST_CASE("ec2 http: keys that expire between pages or in a change do not end the work") {
  Site site;
  REQUIRE(site.ec2.remove(kEni));
  site.service.troubles = {kExpired};
  const auto listed = site.ec2.network_interfaces({});
  REQUIRE(listed);
  CHECK(listed->size() == 3);
  CHECK(site.fetched == 2);
  Site paging;
  paging.service.troubles = {};
  paging.service.expire_after = 2;  // the last page is asked for with keys that no longer count
  const auto pages = paging.ec2.network_interfaces({});
  REQUIRE(pages);
  CHECK(pages->size() == 3);
  CHECK(paging.fetched == 2);
  Site unsafe;
  unsafe.service.expire_after = 1;
  const auto added = unsafe.ec2.assign_addresses(kEni, 1);
  REQUIRE(added);
  REQUIRE(unsafe.ec2.assign_addresses(kEni, 1));
  CHECK(unsafe.service.carried_out["AssignPrivateIpAddresses"] == 2);
}

TEST_CASE("ec2 http: a wrong clock is no reason to give up what must not be done twice") {
  Site site;
  site.service.skew = minutes(6);
  REQUIRE(site.ec2.assign_addresses(kEni, 1));
  CHECK(site.service.carried_out["AssignPrivateIpAddresses"] == 1);
  CHECK(site.fetched == 1);
}

TEST_CASE("ec2 http: a wrong clock is learned from the answer's Date") {
  for (const base::Duration skew : {minutes(6), -minutes(6), minutes(60 * 24 * 365 * 40)}) {
    Site site;
    site.service.skew = skew;
    REQUIRE(site.ec2.remove(kEni));
    CHECK(site.service.requests.size() == 2);
    CHECK(site.fetched == 1);  // the keys are not to blame
    CHECK(site.clock.waits.empty());
    REQUIRE(site.ec2.remove(kEni));
    CHECK(site.service.requests.size() == 3);  // right from the first attempt now
    site.service.skew = {};                    // and the local clock may be set right
    REQUIRE(site.ec2.remove(kEni));
  }
}

TEST_CASE("ec2 http: exactly four minutes are no skew") {
  for (const int off : {240, 241}) {
    Site site;
    site.service.skew = seconds(off);
    site.service.tolerance = minutes(1);
    CHECK(site.ec2.remove(kEni).has_value() == (off > 240));
    const auto& last = site.service.requests.back();
    CHECK((http::header(last.headers, "x-amz-date") == "20251217T120000Z") == (off == 240));
  }
}

TEST_CASE("ec2 http: an absurd Date does no harm") {
  for (const char* date :
       {"Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT", "yesterday"}) {
    Site site;
    site.service.date = date;
    site.service.repeat({401, error_xml("AuthFailure")}, 1);
    CHECK(site.ec2.remove(kEni));
  }
}

TEST_CASE("ec2 http: refusals are not repeated") {
  struct Row {
    int status;
    std::string body;
    Errc code;
    const char* cause;
  };
  const Row rows[] = {
      {403, error_xml("UnauthorizedOperation"), Errc::denied, "UnauthorizedOperation"},
      {400, error_xml("InvalidNetworkInterfaceID.NotFound"), Errc::not_found,
       "InvalidNetworkInterfaceID.NotFound"},
      {200, error_xml("InsufficientFreeAddressesInSubnet"), Errc::exhausted,
       "InsufficientFreeAddressesInSubnet"},
      {400, "", Errc::invalid_argument, "HTTP 400"},
      {404, "<html>not here</html>", Errc::invalid_argument, "HTTP 404"},
      {429, "slow down", Errc::invalid_argument, "HTTP 429"},
      {302, "", Errc::corrupt, "HTTP 302"},
      {200, "", Errc::corrupt, ""},
      {200, "garbage", Errc::corrupt, ""},
      {200, "<html/>", Errc::corrupt, ""},
      {200, "<DetachNetworkInterfaceResponse><return>", Errc::corrupt, ""}};
  for (const Row& row : rows) {
    Site site;
    site.service.repeat({row.status, row.body}, 1);
    const auto result = site.ec2.detach(net::AttachmentId("eni-attach-1"));
    INFO(row.status << " " << row.body);
    CHECK(to_string(code_of(result)) == to_string(row.code));
    CHECK(result.error().cause == row.cause);
    CHECK(result.error().message.find("DetachNetworkInterface") != std::string::npos);
    CHECK(site.service.requests.size() == 1);
  }
}

TEST_CASE("ec2 http: a 200 that carries a throttle is one") {
  Site site;
  site.service.repeat({200, error_xml("RequestLimitExceeded")}, 1);
  CHECK(site.ec2.assign_addresses(kEni, 1));
  CHECK(site.service.carried_out["AssignPrivateIpAddresses"] == 1);
}

TEST_CASE("ec2 http: pages are put together, ids are asked for without paging") {
  Site site;
  site.service.repeat(kThrottle, 1);
  EniFilter filter;
  filter.filters = {{"status", {"available"}}};
  const auto enis = site.ec2.network_interfaces(filter);
  REQUIRE(enis);
  CHECK(enis->size() == 3);
  REQUIRE(site.service.requests.size() == 4);
  CHECK(site.service.parameter(0, "MaxResults") == "1000");
  CHECK(site.service.parameter(1, "NextToken").empty());
  CHECK(site.service.parameter(3, "NextToken") == "3");
  EniFilter ids;
  ids.ids = {kEni};
  REQUIRE(site.ec2.network_interfaces(ids));
  CHECK(site.service.requests.size() == 5);
  CHECK(site.service.parameter(4, "MaxResults").empty());
  const auto subnets = site.ec2.subnets(net::VpcId("vpc-1"), "us-west-2a");
  REQUIRE(subnets);
  CHECK(subnets->size() == 3);
}

TEST_CASE("ec2 http: paging that does not end is ended") {
  Site site;
  site.service.endless = true;
  CHECK(code_of(site.ec2.network_interfaces({})) == Errc::corrupt);
  CHECK(site.service.requests.size() <= 100);
  site.service.requests.clear();
  CHECK(code_of(site.ec2.subnets(net::VpcId("vpc-1"), "us-west-2a")) == Errc::corrupt);
  CHECK(site.service.requests.size() <= 100);
}

TEST_CASE("ec2 http: no error tells a secret") {
  const Trouble troubles[] = {kThrottle, kInternal,
                              kExpired,  kRefused,
                              kLost,     {200, "garbage"},
                              {400},     {401, error_xml("AuthFailure")},
                              {302},     {200, error_xml("")},
                              {503, "x"}};
  for (const Trouble& trouble : troubles) {
    Site site;
    site.service.always = trouble;
    const auto result = site.ec2.remove(kEni);
    REQUIRE_FALSE(result);
    for (const std::string_view secret : {kSecret, kToken, std::string_view("Signature=")}) {
      CHECK(result.error().message.find(secret) == std::string::npos);
    }
    CHECK(result.error().message.find("DeleteNetworkInterface") != std::string::npos);
  }
}

}  // namespace
}  // namespace vpccni::aws
