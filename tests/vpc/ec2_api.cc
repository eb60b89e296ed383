#include "tests/vpc/ec2_api.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "tests/vpc/ec2_auth.h"
#include "tests/vpc/xml.h"

namespace vpccni::vpc {

namespace {

constexpr std::string_view kVersion = "2016-11-15";

const Action* find_action(std::string_view name) {
  for (const auto table : {describe_actions(), change_actions()}) {
    const auto it = std::find_if(table.begin(), table.end(),
                                 [name](const Action& action) { return action.name == name; });
    if (it != table.end()) {
      return &*it;
    }
  }
  return nullptr;
}

Result<std::string> carry_out(Model& model, const http::ServerRequest& request,
                              const std::optional<Error>& refused, base::Instant now) {
  if (refused && refused->code == Errc::throttled) {
    return *refused;
  }
  VPCCNI_TRY(const auto key, authenticate(request, model, now.wall));
  if (request.method != "POST" || !request.query.empty()) {
    return refusal("MalformedQueryString", "Only POST with a form is understood");
  }
  VPCCNI_TRY(auto query, Query::parse(request.body));
  const auto name = query.text("Action").value_or("");
  const auto* action = find_action(name);
  if (action == nullptr || query.text("Version") != kVersion) {
    return refusal("InvalidAction",
                   "The action " + name.substr(0, 64) + " is not valid for this web service.");
  }
  VPCCNI_TRY(const auto dry_run, query.flag("DryRun"));
  model.advance(now);
  Call call{model, query, now, refused, dry_run.value_or(false)};
  return action->run(call);
}

}  // namespace

Result<> Call::ready() const {
  if (const auto name = query.unknown()) {
    return vpc::refusal("UnknownParameter",
                        "The parameter " + name->substr(0, 128) + " is not recognized");
  }
  if (refusal) {
    return *refusal;
  }
  if (dry_run) {
    return vpc::refusal("DryRunOperation", "Request would have succeeded, but DryRun flag is set.");
  }
  return {};
}

int status_of(std::string_view code) {
  constexpr std::array<std::pair<std::string_view, int>, 12> kStatus = {
      {{"RequestLimitExceeded", 503},
       {"EC2ThrottledException", 503},
       {"Unavailable", 503},
       {"ServiceUnavailable", 503},
       {"InternalError", 500},
       {"InternalFailure", 500},
       {"AuthFailure", 401},
       {"OptInRequired", 401},
       {"UnauthorizedOperation", 403},
       {"SignatureDoesNotMatch", 403},
       {"DryRunOperation", 412},
       {"MalformedQueryString", 404}}};
  for (const auto& [name, status] : kStatus) {
    if (name == code) {
      return status;
    }
  }
  return 400;
}

std::string action_of(const http::ServerRequest& request) {
  constexpr std::string_view kKey = "Action=";
  for (const auto part : base::split(request.body, '&')) {
    if (part.starts_with(kKey)) {
      return std::string(part.substr(kKey.size(), 64));
    }
  }
  return "";
}

Ec2Answer ec2_answer(Model& model, const http::ServerRequest& request,
                     const std::optional<Error>& refusal, const std::string& request_id,
                     base::Instant now) {
  const auto done = carry_out(model, request, refusal, now);
  if (!done) {
    const auto& error = done.error();
    const std::string code = error.cause.empty() ? "InternalError" : error.cause;
    return {status_of(code), error_document(code, error.message, request_id)};
  }
  return {200, response_document(action_of(request), request_id, *done)};
}

}  // namespace vpccni::vpc
