#include "conntrack/conntrack.h"

#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include "base/owned.h"

namespace vpccni::conntrack {

namespace {

using Handle = base::Owned<nfct_handle, nfct_close>;
using Entry = base::Owned<nf_conntrack, nfct_destroy>;

struct Ends {
  net::Ip source, destination, reply_source, reply_destination;
};

net::Ip address_of(const nf_conntrack* entry, net::Family family, nf_conntrack_attr v4,
                   nf_conntrack_attr v6) {
  const void* bytes = nfct_get_attr(entry, family == net::Family::v4 ? v4 : v6);
  if (bytes == nullptr) {
    return {};
  }
  std::array<std::uint8_t, 16> raw{};
  if (family == net::Family::v6) {
    std::memcpy(raw.data(), bytes, raw.size());
    return net::Ip::v6(raw);
  }
  std::memcpy(raw.data(), bytes, 4);
  return net::Ip::v4((std::uint32_t{raw[0]} << 24U) | (std::uint32_t{raw[1]} << 16U) |
                     (std::uint32_t{raw[2]} << 8U) | std::uint32_t{raw[3]});
}

Ends ends_of(const nf_conntrack* entry, net::Family family) {
  return {address_of(entry, family, ATTR_ORIG_IPV4_SRC, ATTR_ORIG_IPV6_SRC),
          address_of(entry, family, ATTR_ORIG_IPV4_DST, ATTR_ORIG_IPV6_DST),
          address_of(entry, family, ATTR_REPL_IPV4_SRC, ATTR_REPL_IPV6_SRC),
          address_of(entry, family, ATTR_REPL_IPV4_DST, ATTR_REPL_IPV6_DST)};
}

bool goes(const Ends& ends, const Flush& what) {
  const auto names = [&](const net::Ip& ip) { return what.released.contains(ip); };
  return names(ends.source) || names(ends.destination) || names(ends.reply_source) ||
         names(ends.reply_destination) || what.assigned.contains(ends.reply_source);
}

struct Dump {
  const Flush& what;
  net::Family family;
  std::vector<Entry> going = {};
};

int collect(nf_conntrack_msg_type /*type*/, nf_conntrack* entry, void* data) {
  auto& dump = *static_cast<Dump*>(data);
  if (goes(ends_of(entry, dump.family), dump.what)) {
    dump.going.emplace_back(nfct_clone(entry));
  }
  return NFCT_CB_CONTINUE;
}

Error failed(const char* doing) {
  auto error = errno_error(errno, doing);
  if (errno == ENOENT || errno == EPROTONOSUPPORT || errno == EAFNOSUPPORT) {
    error.code = Errc::unsupported;
  }
  return error;
}

bool concerns(const Flush& what, net::Family family) {
  const auto any = [&](const std::set<net::Ip>& of) {
    for (const net::Ip& ip : of) {
      if (ip.family() == family) {
        return true;
      }
    }
    return false;
  };
  return any(what.released) || any(what.assigned);
}

Result<int> flush_family(const Flush& what, net::Family family) {
  const Handle handle(nfct_open(CONNTRACK, 0));
  if (!handle) {
    return failed("open conntrack");
  }
  Dump dump{what, family};
  std::uint32_t kernel_family = family == net::Family::v4 ? AF_INET : AF_INET6;
  nfct_callback_register(handle.get(), NFCT_T_ALL, collect, &dump);
  if (nfct_query(handle.get(), NFCT_Q_DUMP, &kernel_family) < 0) {
    return failed("list connections");
  }
  nfct_callback_unregister(handle.get());
  int gone = 0;
  for (const Entry& entry : dump.going) {
    if (nfct_query(handle.get(), NFCT_Q_DESTROY, entry.get()) == 0) {
      ++gone;
    } else if (errno != ENOENT) {
      return failed("delete a connection");
    }
  }
  return gone;
}

}  // namespace

Result<int> flush(const Flush& what) {
  int gone = 0;
  for (const auto family : {net::Family::v4, net::Family::v6}) {
    if (concerns(what, family)) {
      VPCCNI_TRY(const int some, flush_family(what, family));
      gone += some;
    }
  }
  return gone;
}

}  // namespace vpccni::conntrack
