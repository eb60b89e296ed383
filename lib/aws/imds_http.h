#pragma once
// The real IMDS edge: IMDSv2 token flow with the fallback of spec aws.md 4.2, deadlines and three
// attempts (4.4). Thread-safe; one token is shared.

#include <memory>
#include <mutex>
#include <string>

#include "aws/imds.h"
#include "base/clock.h"
#include "http/client.h"

namespace vpccni::aws {

struct ImdsOptions {
  std::string endpoint = "http://169.254.169.254";
  bool disabled = false;  // AWS_EC2_METADATA_DISABLED
  bool v1_disabled = false;
};

class ImdsHttp : public Imds {
 public:
  ImdsHttp(http::Client& client, const base::Clock& clock, ImdsOptions options);

  Result<InstanceIdentity> identity() override;
  Result<std::vector<ImdsEni>> enis() override;
  Result<std::vector<net::Cidr>> vpc_ipv4_cidrs(const net::Mac& mac) override;
  Result<std::vector<net::Cidr>> vpc_ipv6_cidrs(const net::Mac& mac) override;
  Result<std::vector<net::SecurityGroupId>> security_groups(const net::Mac& mac) override;
  Result<std::optional<std::string>> get(const std::string& path) override;

 private:
  Result<std::optional<std::string>> get_once(const std::string& path);
  Result<std::string> token();
  Result<std::string> required(const std::string& path);
  Result<std::string> text(const net::Mac& mac, const std::string& key);
  Result<std::string> optional_text(const net::Mac& mac, const std::string& key);
  Result<ImdsEni> eni(const net::Mac& mac, const net::Mac& primary);

  http::Client& client_;
  const base::Clock& clock_;
  ImdsOptions options_;
  std::mutex token_mutex_;
  std::string token_;                 // guarded by token_mutex_
  base::SteadyTime token_expires_{};  // guarded by token_mutex_
  bool tokens_off_ = false;           // guarded by token_mutex_: IMDSv1 for good
};

}  // namespace vpccni::aws
