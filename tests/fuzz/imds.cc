// The instance metadata service: a tree of documents, each "@<path> <status>\n<body>" up to the
// next '@' at the start of a line. What is not in the tree is 404.

#include "aws/imds_http.h"
#include "base/text.h"
#include "tests/fuzz/fuzz.h"

namespace vpccni {
namespace {

using fuzz::require;

constexpr std::string_view kTokenPath = "api/token";
constexpr int kMostRequests = 200000;

class FakeService final : public http::Client {
 public:
  explicit FakeService(std::string_view tree) {
    (void)fuzz::take_until(tree, "@");
    while (!tree.empty()) {
      std::string_view entry = fuzz::take_until(tree, "\n@");
      std::string_view head = fuzz::take_until(entry, "\n");
      const auto path = fuzz::take_until(head, " ");
      const auto status = base::parse_integer<int>(head);
      documents_.insert_or_assign(std::string(path),
                                  std::pair(status ? *status : 200, std::string(entry)));
    }
  }

  Result<http::Response> send(const http::Request& request, const std::stop_token&) override {
    require(++requests_ < kMostRequests, "the number of requests is bounded");
    constexpr std::string_view kStart = "http://169.254.169.254/latest/";
    require(request.url.starts_with(kStart), "only IMDS is asked");
    const std::string path = request.url.substr(kStart.size());
    for (const auto& [name, value] : request.headers) {
      require(value.find_first_of("\r\n") == std::string::npos, "a header is one line");
    }
    const auto found = documents_.find(path);
    if (found == documents_.end()) {
      return path == kTokenPath ? http::Response{200, kTtl, "token"} : http::Response{404, {}, {}};
    }
    const auto& [status, body] = found->second;
    if (status == 0) {
      return Error{Errc::timeout, "no answer"};
    }
    return http::Response{status, kTtl, body};
  }

  Result<http::Response> stream(const http::Request&, const http::Chunk&,
                                const std::stop_token&) override {
    return Error{Errc::unsupported, "no stream"};
  }

 private:
  const http::Headers kTtl = {{"x-aws-ec2-metadata-token-ttl-seconds", "300"}};
  std::map<std::string, std::pair<int, std::string>> documents_;
  int requests_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FakeService service(fuzz::text_of(data, size));
  const fuzz::FakeClock clock;
  aws::ImdsHttp imds(service, clock, {});
  net::Mac mac;
  if (const auto identity = imds.identity()) {
    mac = identity->primary_mac;
    require(!identity->region.empty() && !identity->id.empty(), "an identity is whole");
  }
  if (const auto enis = imds.enis()) {
    for (const auto& eni : *enis) {
      require(!eni.id.empty(), "an ENI has an id");
      require(eni.device.value() >= 0 && eni.card.value() >= 0, "indexes are no negative numbers");
    }
  }
  (void)imds.vpc_ipv4_cidrs(mac);
  (void)imds.vpc_ipv6_cidrs(mac);
  (void)imds.security_groups(mac);
  return 0;
}

}  // namespace vpccni
