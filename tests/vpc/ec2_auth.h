#pragma once
// Who calls: checks a request's SigV4 signature against the model's keys (spec aws.md 2, 6.7).
// Pure.

#include "http/server.h"
#include "tests/vpc/model.h"

namespace vpccni::vpc {

/// The access key id that the request names, unchecked; "" if none.
std::string claimed_key(const http::ServerRequest& request);

/// The key that signed the request. Error.cause is EC2's code: AuthFailure, SignatureDoesNotMatch
/// (headers that had to be signed were not), RequestExpired.
Result<AccessKey> authenticate(const http::ServerRequest& request, const Model& model,
                               base::WallTime now);

}  // namespace vpccni::vpc
