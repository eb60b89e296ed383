#pragma once
// The real EC2 edge: form, signature, HTTP, classification, parsing, paging; retries by spec aws.md
// 5.1. Thread-safe. Every attempt has a deadline and is signed anew; a creation keeps its token
// over its attempts, so that it cannot happen twice.

#include <atomic>
#include <optional>

#include "aws/credentials.h"
#include "aws/ec2.h"
#include "aws/ec2_query.h"
#include "aws/endpoints.h"
#include "aws/retry_quota.h"
#include "http/client.h"

namespace vpccni::aws {

struct Ec2Options {
  std::string endpoint;  // https://ec2.<region>.amazonaws.com
  std::string region;
  std::string ca_file;
  int attempts = 3;
  base::Duration timeout = std::chrono::seconds(10);    // of one attempt
  base::Duration retry_unit = std::chrono::seconds(1);  // delay before retry k: random * 2^k units
};

class Ec2Http final : public Ec2 {
 public:
  Ec2Http(http::Client& client, CredentialCache& credentials, const base::Clock& clock,
          Ec2Options options);

  Result<std::vector<Eni>> network_interfaces(const EniFilter& filter) override;
  Result<std::vector<Attachment>> attachments(const net::InstanceId& instance) override;
  Result<std::vector<Subnet>> subnets(const net::VpcId& vpc, const std::string& zone) override;
  Result<InstanceLimits> instance_type(const std::string& type) override;
  Result<Eni> create(const NewEni& wanted) override;
  Result<net::AttachmentId> attach(const net::EniId& eni, const net::InstanceId& instance,
                                   net::NetworkCard card, net::DeviceIndex device) override;
  Result<> delete_on_termination(const net::EniId& eni, const net::AttachmentId& id) override;
  Result<> set_groups(const net::EniId& eni,
                      const std::vector<net::SecurityGroupId>& groups) override;
  Result<> detach(const net::AttachmentId& id) override;
  Result<> remove(const net::EniId& eni) override;
  Result<Added> assign_addresses(const net::EniId& eni, int count) override;
  Result<Added> assign_prefixes(const net::EniId& eni, int count) override;
  Result<Added> assign_ipv6_prefixes(const net::EniId& eni, int count) override;
  Result<> unassign_addresses(const net::EniId& eni, const std::vector<net::Ip>& ips) override;
  Result<> unassign_prefixes(const net::EniId& eni, const std::vector<net::Cidr>& which) override;
  Result<> unassign_ipv6_prefixes(const net::EniId& eni,
                                  const std::vector<net::Cidr>& which) override;
  Result<> create_tags(const std::string& resource, const Tags& tags) override;

  /// Whether EC2 would carry this out; it does not. `denied`: the role may not.
  Result<> dry_run(Form form);

 private:
  /// `repeatable` is false where a second execution would do the work twice: then only answers that
  /// prove that nothing was done are tried again.
  enum class Repeat { safe, unsafe };
  Result<std::string> call(const Form& form, Repeat repeat);
  Result<std::string> attempt(std::string_view action, const std::string& body, Repeat repeat);
  template <class Parse>
  auto ask(const Form& form, Repeat repeat, Parse parse) -> decltype(parse(std::string_view()));
  void learn_skew(const http::Headers& headers);

  http::Client& client_;
  CredentialCache& credentials_;
  const base::Clock& clock_;
  Ec2Options options_;
  UrlParts url_;
  RetryQuota quota_;
  std::atomic<std::int64_t> seen_skew_{0};     // seconds, of the last answer's Date
  std::atomic<std::int64_t> applied_skew_{0};  // seconds, added to the clock when signing
};

/// IMF-fixdate, "Tue, 24 Nov 2026 01:58:20 GMT".
std::optional<base::WallTime> parse_http_date(std::string_view text);

}  // namespace vpccni::aws
