#include "aws/imds_http.h"

#include <algorithm>

#include "base/json.h"
#include "base/retry.h"
#include "base/text.h"

namespace vpccni::aws {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto kTokenTtl = "300";
constexpr base::Backoff kAttempts{
    .first = seconds(1), .max = seconds(1), .jitter = 0, .multiple = 1, .tries = 3};
constexpr std::size_t kBodyLimit = std::size_t{1} << 20U;

bool worth_another_try(const Error& error) {
  return error.code == Errc::unavailable || error.code == Errc::timeout;
}

std::string eni_path(const net::Mac& mac, const std::string& key) {
  return "meta-data/network/interfaces/macs/" + to_string(mac) + (key.empty() ? "" : "/" + key);
}

/// What IMDS says wrongly is corrupt, whatever the value's own parser calls it.
template <class T>
Result<T> foreign(Result<T> value, std::string_view what) {
  if (!value) {
    return Error{Errc::corrupt, std::string(what) + ": " + value.error().message};
  }
  return value;
}

Result<int> index_of(std::string_view text, std::string_view what) {
  VPCCNI_TRY(const int index, foreign(base::parse_integer<int>(text), what));
  if (index < 0) {
    return Error{Errc::corrupt, std::string(what) + " is negative"};
  }
  return index;
}

/// A white-space separated list; one bad item makes the whole answer corrupt.
template <class T>
Result<std::vector<T>> list(std::string_view body, Result<T> (*parse)(std::string_view)) {
  std::vector<T> all;
  for (const auto word : base::words(body)) {
    VPCCNI_TRY(auto one, foreign(parse(word), "IMDS"));
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace

ImdsHttp::ImdsHttp(http::Client& client, const base::Clock& clock, ImdsOptions options)
    : client_(client), clock_(clock), options_(std::move(options)) {
  while (options_.endpoint.ends_with('/')) {
    options_.endpoint.pop_back();
  }
}

/// "" means: go without a token (IMDSv1).
Result<std::string> ImdsHttp::token() {
  const std::lock_guard lock(token_mutex_);
  if (tokens_off_) {
    return std::string();
  }
  if (!token_.empty() && clock_.now().steady < token_expires_) {
    return token_;
  }
  http::Request request;
  request.method = "PUT";
  request.url = options_.endpoint + "/latest/api/token";
  request.headers = {{"x-aws-ec2-metadata-token-ttl-seconds", kTokenTtl}};
  request.connect_timeout = milliseconds(1000);
  request.timeout = seconds(2);
  request.body_limit = 4096;
  request.proxy = false;
  const auto answer = client_.send(request);
  const int status = answer ? answer->status : 0;
  if (status == 200) {
    const auto ttl = base::parse_integer<int>(
        http::header(answer->headers, "x-aws-ec2-metadata-token-ttl-seconds"));
    if (!ttl || *ttl <= 0) {
      return Error{Errc::corrupt, "IMDS: the token came without a lifetime"};
    }
    const auto text = base::trim(answer->body);
    if (text.empty() || base::words(text).size() != 1) {  // it goes into a header
      return Error{Errc::corrupt, "IMDS: the token is empty or has blanks in it"};
    }
    token_ = std::string(text);
    token_expires_ = clock_.now().steady + seconds(*ttl) - milliseconds(*ttl > 10 ? 5000 : 0);
    return token_;
  }
  if (status == 400) {
    return Error{Errc::invalid_argument, "IMDS refuses the token request (400)"};
  }
  if (options_.v1_disabled || status == 0 || status >= 500) {
    return answer ? Error{Errc::unavailable,
                          "IMDS gives no token (HTTP " + std::to_string(status) + ")"}
                  : wrap(answer.error(), "IMDS token");
  }
  tokens_off_ = status == 403 || status == 404 || status == 405;
  return std::string();
}

Result<std::optional<std::string>> ImdsHttp::get_once(const std::string& path) {
  VPCCNI_TRY(const auto proof, token());
  http::Request request;
  request.url = options_.endpoint + "/latest/" + path;
  request.connect_timeout = milliseconds(1000);
  request.timeout = seconds(2);
  request.body_limit = kBodyLimit;
  request.proxy = false;
  if (!proof.empty()) {
    request.headers = {{"x-aws-ec2-metadata-token", proof}};
  }
  VPCCNI_TRY(auto answer, client_.send(request));
  if (answer.status == 200) {
    return std::optional(std::move(answer.body));
  }
  if (answer.status == 404) {
    return std::optional<std::string>();
  }
  const Error error{answer.status == 401 || answer.status >= 500 ? Errc::unavailable
                    : answer.status == 403                       ? Errc::denied
                                                                 : Errc::invalid_argument,
                    "IMDS answers HTTP " + std::to_string(answer.status) + " for " + path};
  if (answer.status == 401) {
    const std::lock_guard lock(token_mutex_);
    token_.clear();
    tokens_off_ = false;
  }
  return error;
}

Result<std::optional<std::string>> ImdsHttp::get(const std::string& path) {
  if (options_.disabled) {
    return Error{Errc::unavailable, "IMDS is switched off by AWS_EC2_METADATA_DISABLED"};
  }
  return wrap(base::retry(clock_, kAttempts, {}, worth_another_try, [&] { return get_once(path); }),
              "read " + path);
}

Result<std::string> ImdsHttp::required(const std::string& path) {
  VPCCNI_TRY(auto body, get(path));
  if (!body || base::trim(*body).empty()) {
    return Error{Errc::not_found, "IMDS has no " + path};
  }
  return std::string(base::trim(*body));
}

Result<std::string> ImdsHttp::text(const net::Mac& mac, const std::string& key) {
  return required(eni_path(mac, key));
}

Result<std::string> ImdsHttp::optional_text(const net::Mac& mac, const std::string& key) {
  VPCCNI_TRY(auto body, get(eni_path(mac, key)));
  return body ? std::string(base::trim(*body)) : std::string();
}

Result<InstanceIdentity> ImdsHttp::identity() {
  InstanceIdentity identity;
  VPCCNI_TRY(const auto document, required("dynamic/instance-identity/document"));
  VPCCNI_TRY(const auto json, wrap(base::parse_json(document), "IMDS identity document"));
  identity.region = base::string_member(json, "region");
  if (identity.region.empty()) {
    return Error{Errc::corrupt, "IMDS identity document names no region"};
  }
  VPCCNI_TRY(identity.availability_zone, required("meta-data/placement/availability-zone"));
  VPCCNI_TRY(const auto ip, required("meta-data/local-ipv4"));
  VPCCNI_TRY(identity.local_ipv4, foreign(net::Ip::parse(ip), "IMDS local-ipv4"));
  VPCCNI_TRY(auto id, required("meta-data/instance-id"));
  identity.id = net::InstanceId(std::move(id));
  VPCCNI_TRY(identity.type, required("meta-data/instance-type"));
  VPCCNI_TRY(const auto mac, required("meta-data/mac"));
  VPCCNI_TRY(identity.primary_mac, foreign(net::Mac::parse(mac), "IMDS mac"));
  VPCCNI_TRY(auto eni, text(identity.primary_mac, "interface-id"));
  identity.primary_eni = net::EniId(std::move(eni));
  VPCCNI_TRY(auto subnet, text(identity.primary_mac, "subnet-id"));
  identity.primary_subnet = net::SubnetId(std::move(subnet));
  VPCCNI_TRY(auto vpc, text(identity.primary_mac, "vpc-id"));
  identity.vpc = net::VpcId(std::move(vpc));
  return identity;
}

Result<ImdsEni> ImdsHttp::eni(const net::Mac& mac, const net::Mac& primary) {
  ImdsEni eni;
  eni.mac = mac;
  VPCCNI_TRY(auto id, text(mac, "interface-id"));
  eni.id = net::EniId(std::move(id));
  VPCCNI_TRY(const auto device, text(mac, "device-number"));
  VPCCNI_TRY(const int index, index_of(device, "IMDS device-number"));
  eni.device = net::DeviceIndex(mac == primary ? 0 : index);
  VPCCNI_TRY(const auto listing, text(mac, ""));  // a failed listing is no empty one (Q16)
  const auto fields = base::words(listing);
  const auto has = [&](std::string_view field) {
    return std::find(fields.begin(), fields.end(), field) != fields.end();
  };
  if (has("network-card")) {
    VPCCNI_TRY(const auto card, text(mac, "network-card"));
    VPCCNI_TRY(const int number, index_of(card, "IMDS network-card"));
    eni.card = net::NetworkCard(number);
  }
  if (has("subnet-id")) {
    VPCCNI_TRY(auto subnet, text(mac, "subnet-id"));
    eni.subnet = net::SubnetId(std::move(subnet));
  }
  if (has("local-ipv4s")) {
    VPCCNI_TRY(const auto body, optional_text(mac, "local-ipv4s"));
    VPCCNI_TRY(eni.addresses, list<net::Ip>(body, &net::Ip::parse));
    VPCCNI_TRY(const auto cidr, optional_text(mac, "subnet-ipv4-cidr-block"));
    if (!cidr.empty()) {
      VPCCNI_TRY(eni.subnet_ipv4, foreign(net::Cidr::parse(cidr), "IMDS subnet-ipv4-cidr-block"));
    }
  }
  if (has("ipv6s")) {
    VPCCNI_TRY(const auto body, optional_text(mac, "ipv6s"));
    VPCCNI_TRY(eni.ipv6_addresses, list<net::Ip>(body, &net::Ip::parse));
    VPCCNI_TRY(const auto blocks, optional_text(mac, "subnet-ipv6-cidr-blocks"));
    VPCCNI_TRY(const auto subnets, list<net::Cidr>(blocks, &net::Cidr::parse));
    if (!subnets.empty()) {
      eni.subnet_ipv6 = subnets.front();
    }
    VPCCNI_TRY(const auto delegated, optional_text(mac, "ipv6-prefix"));
    VPCCNI_TRY(eni.ipv6_prefixes, list<net::Cidr>(delegated, &net::Cidr::parse));
  }
  VPCCNI_TRY(const auto prefixes, optional_text(mac, "ipv4-prefix"));
  VPCCNI_TRY(eni.prefixes, list<net::Cidr>(prefixes, &net::Cidr::parse));
  return eni;
}

Result<std::vector<ImdsEni>> ImdsHttp::enis() {
  VPCCNI_TRY(const auto primary_text, required("meta-data/mac"));
  VPCCNI_TRY(const auto primary, foreign(net::Mac::parse(primary_text), "IMDS mac"));
  VPCCNI_TRY(const auto body, required("meta-data/network/interfaces/macs"));
  std::vector<ImdsEni> all;
  for (auto word : base::words(body)) {
    if (word.ends_with('/')) {
      word.remove_suffix(1);
    }
    VPCCNI_TRY(const auto mac, foreign(net::Mac::parse(word), "IMDS macs"));
    VPCCNI_TRY(auto one, eni(mac, primary));
    all.push_back(std::move(one));
  }
  std::sort(all.begin(), all.end(), [](const ImdsEni& a, const ImdsEni& b) {
    return std::tuple(a.card, a.device) < std::tuple(b.card, b.device);
  });
  return all;
}

Result<std::vector<net::Cidr>> ImdsHttp::vpc_ipv4_cidrs(const net::Mac& mac) {
  VPCCNI_TRY(const auto body, text(mac, "vpc-ipv4-cidr-blocks"));
  return list<net::Cidr>(body, &net::Cidr::parse);
}

Result<std::vector<net::Cidr>> ImdsHttp::vpc_ipv6_cidrs(const net::Mac& mac) {
  VPCCNI_TRY(const auto body, optional_text(mac, "vpc-ipv6-cidr-blocks"));
  return list<net::Cidr>(body, &net::Cidr::parse);
}

Result<std::vector<net::SecurityGroupId>> ImdsHttp::security_groups(const net::Mac& mac) {
  VPCCNI_TRY(const auto body, text(mac, "security-group-ids"));
  std::vector<net::SecurityGroupId> groups;
  for (const auto word : base::words(body)) {
    groups.emplace_back(std::string(word));
  }
  return groups;
}

}  // namespace vpccni::aws
