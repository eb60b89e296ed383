#include "tests/vpc/model_wire.h"

#include "tests/vpc/ec2_api.h"

namespace vpccni::vpc {

namespace {

constexpr auto kHost = "ec2.us-west-2.amazonaws.com";

struct FixedKey final : aws::CredentialSource {
  explicit FixedKey(AccessKey given) : key(std::move(given)) {}
  Result<aws::TimedCredentials> fetch() override {
    return aws::TimedCredentials{{key.id, key.secret, key.token}, key.expires};
  }
  AccessKey key;
};

aws::Ec2Options options_of() {
  aws::Ec2Options options;
  options.endpoint = std::string("https://") + kHost;
  options.region = "us-west-2";
  return options;
}

}  // namespace

bool StepClock::wait_until(base::SteadyTime until, std::stop_token stop) const {
  if (stop.stop_requested()) {
    return false;
  }
  if (until > now_.steady) {
    now_ = now_ + (until - now_.steady);
  }
  return true;
}

Result<http::Response> ModelWire::send(const http::Request& request, const std::stop_token& stop) {
  http::ServerRequest arrived;
  arrived.method = request.method;
  arrived.path = "/";
  arrived.headers = request.headers;
  arrived.body = request.body;
  const auto plan = model_.faults().plan(action_of(arrived), {}, clock_.now());
  Ec2Answer answer;
  if (plan.works() || plan.refusal) {
    answer = ec2_answer(model_, arrived, plan.refusal, "r", clock_.now());
  }
  clock_.wait_for(plan.delay, stop);
  if (!plan.ending) {
    return http::Response{answer.status, {}, std::move(answer.body)};
  }
  switch (plan.ending->kind) {
    case FaultKind::black_hole:
      clock_.wait_for(request.timeout, stop);
      return Error{Errc::timeout, "no answer in time"};
    case FaultKind::garbage:
      return http::Response{200, {}, "<not XML &"};
    case FaultKind::http_status:
      return http::Response{plan.ending->status, {}, ""};
    default:
      return Error{Errc::unavailable, "the connection was cut"};
  }
}

Result<http::Response> ModelWire::stream(const http::Request&, const http::Chunk&,
                                         const std::stop_token&) {
  return Error{Errc::unsupported, "EC2 does not stream"};
}

ModelEc2::ModelEc2(Model& model, const base::Clock& clock, const AccessKey& key)
    : wire_(model, clock),
      credentials_(std::make_unique<FixedKey>(key), clock),
      ec2_(wire_, credentials_, clock, options_of()) {}

}  // namespace vpccni::vpc
