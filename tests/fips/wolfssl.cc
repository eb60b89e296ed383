// Claims to be wolfSSL's FIPS build: its two functions that fips-check calls, failing as the
// environment says.
#include <cstdlib>

namespace {
int number(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? 0 : std::atoi(text);
}
}  // namespace

extern "C" {
[[gnu::visibility("default")]] int claims_here() {
  return 1;
}
#ifndef CLAIMS_NOT_FIPS
[[gnu::visibility("default")]] int wolfCrypt_GetStatus_fips() {
  return number("CLAIMS_FIPS_STATUS");
}
[[gnu::visibility("default")]] int wc_RunAllCast_fips() {
  return number("CLAIMS_CAST");
}
#endif
}
