#include "tests/vpc/ec2_face.h"

#include <array>
#include <cstdio>

#include "tests/vpc/ec2_auth.h"
#include "tests/vpc/xml.h"

namespace vpccni::vpc {

namespace {

constexpr std::size_t kMostUnanswered = 1000;
constexpr std::size_t kDripBytes = 16;
constexpr http::ServerOptions kOptions{.body_limit = std::size_t{1} << 20U,
                                       .timeout = std::chrono::seconds(75)};

http::ServerReply xml_reply(int status, std::string body, const std::string& request_id) {
  return {.status = status,
          .content_type = "text/xml;charset=UTF-8",
          .body = std::move(body),
          .headers = {{"x-amzn-requestid", request_id}, {"Server", "AmazonEC2"}}};
}

}  // namespace

struct Ec2Face::Drip {
  std::unique_ptr<http::Stream> stream;
  std::string rest;
  base::Duration pause{};
};

Ec2Face::Ec2Face(event::Loop& loop, Model& model, const base::Clock& clock)
    : model_(model),
      clock_(clock),
      delays_(loop),
      server_(
          loop,
          [this](const http::ServerRequest& request, std::shared_ptr<http::Responder> to) {
            handle(request, std::move(to));
          },
          kOptions) {}

Result<int> Ec2Face::listen(const std::string& address, int port) {
  return server_.listen_tcp(address, port);
}

std::string Ec2Face::new_request_id() {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "00000000-0000-4000-8000-%012llx",
                static_cast<unsigned long long>(++requests_));
  return text.data();
}

void Ec2Face::release_unanswered() {
  for (auto& responder : std::exchange(unanswered_, {})) {
    responder->drop();
  }
}

void Ec2Face::handle(const http::ServerRequest& request, std::shared_ptr<http::Responder> to) {
  const auto now = clock_.now();
  const auto* key = model_.find_key(claimed_key(request));
  const auto plan = model_.faults().plan(action_of(request),
                                         key == nullptr ? net::InstanceId() : key->instance, now);
  const auto request_id = new_request_id();
  Ec2Answer answer;
  if (plan.works() || plan.refusal) {
    Model& shown = plan.as_of ? *plan.as_of : model_;
    answer = ec2_answer(shown, request, plan.refusal, request_id, now);
  }
  delays_.run(plan.delay,
              [this, plan, answer = std::move(answer), request_id, to = std::move(to)]() mutable {
                end(plan, std::move(answer), request_id, std::move(to));
              });
}

void Ec2Face::end(const CallPlan& plan, Ec2Answer answer, const std::string& request_id,
                  std::shared_ptr<http::Responder> to) {
  if (!plan.ending) {
    to->reply(xml_reply(answer.status, std::move(answer.body), request_id));
    return;
  }
  const Fault& fault = *plan.ending;
  switch (fault.kind) {
    case FaultKind::cut:
    case FaultKind::lose_answer:
      to->drop();
      break;
    case FaultKind::black_hole:
      unanswered_.push_back(std::move(to));
      if (unanswered_.size() > kMostUnanswered) {
        unanswered_.front()->drop();
        unanswered_.pop_front();
      }
      break;
    case FaultKind::http_status:
      to->reply(xml_reply(fault.status, "", request_id));
      break;
    case FaultKind::error_in_200:
      to->reply(xml_reply(200, error_document(fault.code, fault.message, request_id), request_id));
      break;
    case FaultKind::garbage:
      to->reply(xml_reply(200, "<Describe\x01 <<>> not XML &", request_id));
      break;
    case FaultKind::slow_drip: {
      auto rest = std::make_shared<Drip>();
      rest->stream = to->stream(xml_reply(answer.status, "", request_id));
      rest->rest = std::move(answer.body);
      rest->pause = std::max<base::Duration>(fault.delay, std::chrono::milliseconds(1));
      drip(rest);
      break;
    }
    case FaultKind::throttle:
    case FaultKind::deny:
    case FaultKind::fail:
    case FaultKind::delay:
    case FaultKind::stale:
      break;  // no endings: the plan has dealt with them
  }
}

void Ec2Face::drip(const std::shared_ptr<Drip>& rest) {
  if (rest->rest.empty() || !rest->stream->open()) {
    return;  // the stream ends with its last owner
  }
  rest->stream->send(std::string_view(rest->rest).substr(0, kDripBytes));
  rest->rest.erase(0, kDripBytes);
  delays_.run(rest->pause, [this, rest] { drip(rest); });
}

}  // namespace vpccni::vpc
