#include "aws/ec2_http.h"

#include <ctime>
#include <random>

#include "aws/ec2_error.h"
#include "crypto/digest.h"

namespace vpccni::aws {

namespace {

constexpr int kPageSize = 1000;
constexpr int kMaxPages = 50;
constexpr std::int64_t kSkewLimit = 240;  // seconds; exactly four minutes is no skew

std::string_view action_of(const Form& form) {
  for (const auto& [key, value] : form) {
    if (key == "Action") {
      return value;
    }
  }
  return "?";
}

/// UUID version 4 from the provider's generator.
Result<std::string> new_client_token() {
  VPCCNI_TRY(auto bytes, crypto::random_bytes(16));
  bytes[6] = static_cast<char>((static_cast<unsigned char>(bytes[6]) & 0x0fU) | 0x40U);
  bytes[8] = static_cast<char>((static_cast<unsigned char>(bytes[8]) & 0x3fU) | 0x80U);
  std::string text = base::hex(bytes);
  for (const std::size_t at : {8U, 13U, 18U, 23U}) {
    text.insert(at, 1, '-');
  }
  return text;
}

double random_part() {
  thread_local std::minstd_rand random{std::random_device{}()};
  return std::uniform_real_distribution<double>(0.0, 1.0)(random);
}

std::int64_t seconds_of(base::Duration duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

}  // namespace

std::optional<base::WallTime> parse_http_date(std::string_view text) {
  const std::string copy(text.substr(0, 64));
  std::tm parts{};
  const char* end = ::strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  // The years that nanoseconds since 1970 can hold, with room to add to them.
  if (end == nullptr || *end != '\0' || parts.tm_year < 70 || parts.tm_year > 300) {
    return std::nullopt;
  }
  return base::WallTime(std::chrono::seconds(::timegm(&parts)));
}

Ec2Http::Ec2Http(http::Client& client, CredentialCache& credentials, const base::Clock& clock,
                 Ec2Options options)
    : client_(client), credentials_(credentials), clock_(clock), options_(std::move(options)) {
  if (auto url = split_url(options_.endpoint)) {
    url_ = *std::move(url);
  }
}

void Ec2Http::learn_skew(const http::Headers& headers) {
  if (const auto date = parse_http_date(http::header(headers, "Date"))) {
    seen_skew_ = seconds_of(*date - clock_.now().wall);
  }
}

Result<std::string> Ec2Http::attempt(std::string_view action, const std::string& body,
                                     Repeat repeat) {
  VPCCNI_TRY(const auto keys, credentials_.get());
  const auto at = clock_.now().wall + std::chrono::seconds(applied_skew_.load());
  const Signable signable{.host = url_.authority, .path = url_.path, .body = body};
  VPCCNI_TRY(auto headers, sign(signable, keys, options_.region, "ec2", at));
  http::Request request;
  request.method = "POST";
  request.url = url_.scheme + "://" + url_.authority + url_.path;
  request.headers = std::move(headers);
  request.body = body;
  request.timeout = options_.timeout;
  request.ca_file = options_.ca_file;
  request.fresh_connection = repeat == Repeat::unsafe;
  auto response = client_.send(request);
  if (!response) {
    return wrap(std::move(response).error(), "ec2 " + std::string(action));
  }
  learn_skew(response->headers);
  if (response->status < 200 || response->status > 299 || parse_error(response->body)) {
    return api_error(action, response->status, response->body);
  }
  return std::move(response->body);
}

Result<std::string> Ec2Http::call(const Form& form, Repeat repeat) {
  const std::string body = encode(form);
  const std::string_view action = action_of(form);
  int paid = 0;
  for (int tried = 1;; ++tried) {
    auto answer = attempt(action, body, repeat);
    if (answer) {
      quota_.give(paid);
      return answer;
    }
    Error error = std::move(answer).error();
    const bool skewed = is_skew(error.cause) && std::abs(seen_skew_ - applied_skew_) > kSkewLimit;
    const bool expired = !skewed && is_expired(error.cause);
    if (skewed) {
      applied_skew_ = seen_skew_.load();
    }
    if (expired) {
      credentials_.drop();
    }
    const bool nothing_done =
        error.code == Errc::throttled || skewed || expired || error.cause == "ECONNREFUSED";
    const bool again = nothing_done || (repeat == Repeat::safe && is_transient(error));
    if (!again) {
      return error;
    }
    if (tried >= options_.attempts) {
      return wrap(std::move(error), "gave up after " + std::to_string(tried) + " attempts");
    }
    paid = quota_.take(error.code == Errc::timeout);
    if (paid == 0) {
      return wrap(std::move(error), "no retry: too many failures lately");
    }
    if (!skewed && !expired) {
      const double units =
          tried > 4 ? 20.0
                    : random_part() * static_cast<double>(1U << static_cast<unsigned>(tried));
      const auto delay = std::chrono::duration<double>(options_.retry_unit) * units;
      clock_.wait_for(std::chrono::duration_cast<base::Duration>(delay), {});
    }
  }
}

template <class Parse>
auto Ec2Http::ask(const Form& form, Repeat repeat, Parse parse)
    -> decltype(parse(std::string_view())) {
  VPCCNI_TRY(const auto body, call(form, repeat));
  return wrap(parse(std::string_view(body)), "ec2 " + std::string(action_of(form)) + ": answer");
}

Result<std::vector<Eni>> Ec2Http::network_interfaces(const EniFilter& filter) {
  std::vector<Eni> enis;
  std::string token;
  for (int page = 0; page < kMaxPages; ++page) {
    VPCCNI_TRY(auto part,
               ask(describe_network_interfaces(filter, filter.ids.empty() ? kPageSize : 0, token),
                   Repeat::safe, parse_network_interfaces));
    std::move(part.enis.begin(), part.enis.end(), std::back_inserter(enis));
    if (part.next_token.empty()) {
      return enis;
    }
    token = std::move(part.next_token);
  }
  return Error{Errc::corrupt, "ec2 DescribeNetworkInterfaces: paging does not end"};
}

Result<std::vector<Attachment>> Ec2Http::attachments(const net::InstanceId& instance) {
  return ask(describe_instance(instance), Repeat::safe, parse_instance_attachments);
}

Result<std::vector<Subnet>> Ec2Http::subnets(const net::VpcId& vpc, const std::string& zone) {
  std::vector<Subnet> subnets;
  std::string token;
  for (int page = 0; page < kMaxPages; ++page) {
    VPCCNI_TRY(auto part, ask(describe_subnets(vpc, zone, token), Repeat::safe, parse_subnets));
    std::move(part.subnets.begin(), part.subnets.end(), std::back_inserter(subnets));
    if (part.next_token.empty()) {
      return subnets;
    }
    token = std::move(part.next_token);
  }
  return Error{Errc::corrupt, "ec2 DescribeSubnets: paging does not end"};
}

Result<> Ec2Http::dry_run(Form form) {
  form.emplace_back("DryRun", "true");
  const auto answer = call(form, Repeat::safe);
  if (!answer && answer.error().cause != "DryRunOperation") {
    return answer.error();
  }
  return {};
}

Result<InstanceLimits> Ec2Http::instance_type(const std::string& type) {
  return ask(describe_instance_type(type), Repeat::safe, parse_instance_type);
}

Result<Eni> Ec2Http::create(const NewEni& wanted) {
  VPCCNI_TRY(const auto token, new_client_token());
  return ask(create_network_interface(wanted, token), Repeat::safe, parse_created);
}

Result<net::AttachmentId> Ec2Http::attach(const net::EniId& eni, const net::InstanceId& instance,
                                          net::NetworkCard card, net::DeviceIndex device) {
  return ask(attach_network_interface(eni, instance, card, device), Repeat::unsafe, parse_attached);
}

Result<> Ec2Http::delete_on_termination(const net::EniId& eni, const net::AttachmentId& id) {
  return ask(set_delete_on_termination(eni, id), Repeat::safe, parse_done);
}

Result<> Ec2Http::set_groups(const net::EniId& eni,
                             const std::vector<net::SecurityGroupId>& groups) {
  return ask(set_security_groups(eni, groups), Repeat::safe, parse_done);
}

Result<> Ec2Http::detach(const net::AttachmentId& id) {
  return ask(detach_network_interface(id), Repeat::safe, parse_done);
}

Result<> Ec2Http::remove(const net::EniId& eni) {
  return ask(delete_network_interface(eni), Repeat::safe, parse_done);
}

Result<Added> Ec2Http::assign_addresses(const net::EniId& eni, int count) {
  return ask(assign_private_addresses(eni, count), Repeat::unsafe, parse_assigned);
}

Result<Added> Ec2Http::assign_prefixes(const net::EniId& eni, int count) {
  return ask(assign_private_prefixes(eni, count), Repeat::unsafe, parse_assigned);
}

Result<Added> Ec2Http::assign_ipv6_prefixes(const net::EniId& eni, int count) {
  return ask(assign_ipv6_prefix(eni, count), Repeat::unsafe, parse_assigned_ipv6);
}

Result<> Ec2Http::unassign_addresses(const net::EniId& eni, const std::vector<net::Ip>& ips) {
  return ask(unassign_private_addresses(eni, ips), Repeat::unsafe, parse_done);
}

Result<> Ec2Http::unassign_prefixes(const net::EniId& eni, const std::vector<net::Cidr>& which) {
  return ask(unassign_private_prefixes(eni, which), Repeat::unsafe, parse_done);
}

Result<> Ec2Http::unassign_ipv6_prefixes(const net::EniId& eni,
                                         const std::vector<net::Cidr>& which) {
  return ask(aws::unassign_ipv6_prefixes(eni, which), Repeat::unsafe, parse_done);
}

Result<> Ec2Http::create_tags(const std::string& resource, const Tags& tags) {
  return ask(aws::create_tags(resource, tags), Repeat::safe, parse_done);
}

}  // namespace vpccni::aws
