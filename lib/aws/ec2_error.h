#pragma once
// EC2's refusals as errors, and which of them are worth another try (spec aws.md 1.4, 5.1). Pure.

#include <string>
#include <string_view>

#include "base/result.h"

namespace vpccni::aws {

/// What an API code means to a caller.
Errc class_of(std::string_view code, int status);

/// The same for codes whose meaning is in the message only: EC2 words a subnet without a free
/// prefix as an invalid parameter, too.
Errc class_of(std::string_view code, int status, std::string_view message);

/// The error of an answer outside 200-299, or of a 200 that carries an error document. Its cause is
/// the API code, or "HTTP <status>" when the body names none; the message names action and request.
Error api_error(std::string_view action, int status, std::string_view body);

/// True if the same request may succeed later: throttled, 5xx, no answer.
bool is_transient(const Error& error);

/// True if the subnet has no free address or prefix left, in any of EC2's three forms. The limit of
/// an ENI or of the instance is none of them.
bool subnet_exhausted(const Error& error);

/// Codes that a wrong clock causes (5.3), if the clocks differ by more than four minutes.
bool is_skew(std::string_view code);

/// The API's code as a metric's label, at most 64 bytes; "" if the error is not the API's. Of
/// foreign texts only codes become labels: there are few of them.
std::string_view error_label(const Error& error);

/// Codes that mean that the credentials are not good any more.
bool is_expired(std::string_view code);

}  // namespace vpccni::aws
