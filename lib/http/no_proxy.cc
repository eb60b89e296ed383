#include "http/no_proxy.h"

#include <string>

#include "base/text.h"
#include "net/ip.h"

namespace vpccni::http {

namespace {

struct Place {
  std::string host;  // lower case, no brackets
  std::string port;  // "" = none named
};

/// "host", "host:port", "[v6]", "[v6]:port", "v6".
Place place_of(std::string_view text) {
  const auto close = text.find(']');
  if (text.starts_with('[') && close != std::string_view::npos) {
    const auto rest = text.substr(close + 1);
    return {base::to_lower(text.substr(1, close - 1)),
            std::string(rest.starts_with(':') ? rest.substr(1) : rest)};
  }
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos) {
    return {base::to_lower(text), ""};
  }
  return {base::to_lower(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

Place place_of_url(std::string_view url) {
  const auto scheme = url.find("://");
  const bool secure = url.starts_with("https");
  if (scheme != std::string_view::npos) {
    url.remove_prefix(scheme + 3);
  }
  url = url.substr(0, url.find_first_of("/?#"));
  if (const auto user = url.rfind('@'); user != std::string_view::npos) {
    url.remove_prefix(user + 1);
  }
  auto place = place_of(url);
  if (place.port.empty()) {
    place.port = secure ? "443" : "80";
  }
  return place;
}

bool covers(std::string_view entry, const Place& place) {
  const auto address = net::Ip::parse(place.host);
  if (entry.find('/') != std::string_view::npos) {
    const auto block = net::Cidr::parse(entry);
    return address && block && block->contains(*address);
  }
  const auto wanted = place_of(entry);
  if (!wanted.port.empty() && wanted.port != place.port) {
    return false;
  }
  if (const auto one = net::Ip::parse(wanted.host)) {
    return address && *one == *address;
  }
  const bool below = wanted.host.starts_with('.');
  return (!below && place.host == wanted.host) ||
         place.host.ends_with(below ? wanted.host : "." + wanted.host);
}

bool is_loopback(const Place& place) {
  return place.host == "localhost" || covers("127.0.0.0/8", place) || covers("::1", place);
}

}  // namespace

bool is_direct(std::string_view url, std::string_view list) {
  const auto place = place_of_url(url);
  if (is_loopback(place)) {
    return true;
  }
  for (const auto part : base::split(list, ',')) {
    const auto entry = base::trim(part);
    if (!entry.empty() && (entry == "*" || covers(entry, place))) {
      return true;
    }
  }
  return false;
}

}  // namespace vpccni::http
