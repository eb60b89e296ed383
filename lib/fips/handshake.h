#pragma once
// A TLS client and server of this process, connected in memory: what libssl negotiates here with
// this configuration. The client is configured by OPENSSL_CONF alone, as libcurl's is.

#include <string>
#include <vector>

namespace vpccni::fips {

/// What the server offers in place of the configuration's; empty or 0 = the configuration's.
struct Server {
  int version = 0;  // the only one: TLS1_2_VERSION, ...
  std::string ciphers;
  std::string suites;  // of TLS 1.3
  std::string groups;
};

struct Handshake {
  bool configured = false;  // false: libssl refuses to make such a server
  bool done = false;
  std::string error;
  std::string version;  // "TLSv1.3"
  std::string cipher;
  std::string group;  // "secp256r1"
  bool extended_master_secret = false;
  std::vector<std::string> offered_groups;  // the client's, as the server saw them
};

/// The server's certificate is made for the call, on P-256; the client verifies it.
Handshake shake_hands(const Server& server);

}  // namespace vpccni::fips
