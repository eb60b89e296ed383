#include "linux/socket_owner.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/fd.h"
#include "base/files.h"
#include "base/text.h"

namespace vpccni::linux {

namespace {

constexpr std::size_t kTableLimit = std::size_t{32} << 20U;  // about 200,000 sockets

/// A socket that its process closed, or of a connection not yet made, is listed as root's.
bool tells_owner(unsigned state, std::uint64_t inode) {
  const bool connected = state == TCP_ESTABLISHED || state == TCP_FIN_WAIT1 ||
                         state == TCP_FIN_WAIT2 || state == TCP_CLOSE_WAIT;
  return connected && inode != 0;
}

Error owner_gone() {
  return {Errc::not_found, "the peer has closed its socket"};
}

std::string bytes_of(const void* at, std::size_t size) {
  return {static_cast<const char*>(at), size};
}

bool read_end(const sockaddr_storage& storage, std::string& address, std::uint16_t& port) {
  if (storage.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &storage, sizeof(v4));
    address = bytes_of(&v4.sin_addr, sizeof(v4.sin_addr));
    port = ntohs(v4.sin_port);
    return true;
  }
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &storage, sizeof(v6));
    // A mapped IPv4 connection is in the tables as what it is.
    const bool mapped = IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr);
    address = bytes_of(&v6.sin6_addr, sizeof(v6.sin6_addr)).substr(mapped ? 12 : 0);
    port = ntohs(v6.sin6_port);
    return true;
  }
  return false;
}

/// Our end of the connection; none if it is no TCP.
Result<std::optional<TcpPair>> ends_of(int fd) {
  sockaddr_storage ours{};
  sockaddr_storage theirs{};
  socklen_t size = sizeof(ours);
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&ours), &size) != 0) {  // NOLINT
    return errno_error(errno, "getsockname");
  }
  if (ours.ss_family != AF_INET && ours.ss_family != AF_INET6) {
    return std::optional<TcpPair>();
  }
  size = sizeof(theirs);
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&theirs), &size) != 0) {  // NOLINT
    return errno_error(errno, "getpeername");
  }
  TcpPair pair;
  if (!read_end(ours, pair.local, pair.local_port) ||
      !read_end(theirs, pair.remote, pair.remote_port)) {
    return Error{Errc::internal, "the ends of a connection are of two families"};
  }
  pair.family = pair.local.size() == 4 ? AF_INET : AF_INET6;
  return std::optional(std::move(pair));
}

TcpPair turned(const TcpPair& pair) {
  return {pair.family, pair.remote, pair.remote_port, pair.local, pair.local_port};
}

struct DiagRequest {
  nlmsghdr header{};
  inet_diag_req_v2 body{};
};

DiagRequest diag_request(const TcpPair& pair) {
  DiagRequest request;
  request.header.nlmsg_len = sizeof(request);
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST;
  request.body.sdiag_family = static_cast<std::uint8_t>(pair.family);
  request.body.sdiag_protocol = IPPROTO_TCP;
  request.body.idiag_states = ~0U;
  request.body.id.idiag_sport = htons(pair.local_port);
  request.body.id.idiag_dport = htons(pair.remote_port);
  std::memcpy(&request.body.id.idiag_src, pair.local.data(), pair.local.size());
  std::memcpy(&request.body.id.idiag_dst, pair.remote.data(), pair.remote.size());
  request.body.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
  request.body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  return request;
}

/// not_found also when the kernel has no socket diagnosis for TCP.
Result<uid_t> ask_kernel(const TcpPair& pair) {
  const base::Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!fd.valid()) {
    return errno_error(errno, "socket diagnosis");
  }
  const auto request = diag_request(pair);
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  std::array<char, 8192> answer{};
  if (::sendto(fd.get(), &request, sizeof(request), 0, reinterpret_cast<const sockaddr*>(&kernel),
               sizeof(kernel)) < 0) {  // NOLINT
    return errno_error(errno, "ask for a socket's owner");
  }
  const ssize_t n = ::recv(fd.get(), answer.data(), answer.size(), 0);
  if (n < 0) {
    return errno_error(errno, "read a socket's owner");
  }
  nlmsghdr header{};
  const auto size = static_cast<std::size_t>(n);
  if (size >= sizeof(header)) {
    std::memcpy(&header, answer.data(), sizeof(header));
  }
  if (header.nlmsg_type == SOCK_DIAG_BY_FAMILY && size >= NLMSG_HDRLEN + sizeof(inet_diag_msg)) {
    inet_diag_msg message{};
    std::memcpy(&message, answer.data() + NLMSG_HDRLEN, sizeof(message));
    if (!tells_owner(message.idiag_state, message.idiag_inode)) {
      return owner_gone();
    }
    return uid_t{message.idiag_uid};
  }
  if (header.nlmsg_type == NLMSG_ERROR && size >= NLMSG_HDRLEN + sizeof(int)) {
    int number = 0;
    std::memcpy(&number, answer.data() + NLMSG_HDRLEN, sizeof(number));
    return errno_error(-number, "find a socket's owner");
  }
  return Error{Errc::corrupt, "the kernel's answer about a socket cannot be read"};
}

/// An end as the tables of /proc write it: 32-bit words of the address in the host's byte order.
std::string table_form(const std::string& address, std::uint16_t port) {
  std::string out;
  std::array<char, 16> text{};
  for (std::size_t at = 0; at < address.size(); at += 4) {
    std::uint32_t word = 0;
    std::memcpy(&word, address.data() + at, sizeof(word));
    (void)std::snprintf(text.data(), text.size(), "%08X", word);
    out += text.data();
  }
  (void)std::snprintf(text.data(), text.size(), ":%04X", port);
  return out + text.data();
}

Result<uid_t> read_tables(const TcpPair& pair) {
  const char* path = pair.family == AF_INET ? "/proc/net/tcp" : "/proc/net/tcp6";
  VPCCNI_TRY(const auto table, base::read_file(path, kTableLimit));
  if (const auto owner = find_owner(table, pair)) {
    return *owner;
  }
  return Error{Errc::not_found, std::string("the peer's socket is not in ") + path};
}

}  // namespace

std::optional<uid_t> find_owner(std::string_view table, const TcpPair& pair) {
  const std::string local = table_form(pair.local, pair.local_port);
  const std::string remote = table_form(pair.remote, pair.remote_port);
  for (const auto line : base::split(table, '\n')) {
    // sl local remote state queues timer retransmits uid timeout inode ...
    const auto fields = base::words(line);
    if (fields.size() < 10 || fields[1] != local || fields[2] != remote) {
      continue;
    }
    const auto uid = base::parse_integer<uid_t>(fields[7]);
    const auto inode = base::parse_integer<std::uint64_t>(fields[9]);
    unsigned state = 0;
    std::from_chars(fields[3].data(), fields[3].data() + fields[3].size(), state, 16);
    if (uid && inode && tells_owner(state, *inode)) {
      return *uid;
    }
  }
  return std::nullopt;
}

Result<std::optional<uid_t>> tcp_peer_owner(int fd) {
  VPCCNI_TRY(const auto ours, ends_of(fd));
  if (!ours) {
    return std::optional<uid_t>();
  }
  const TcpPair theirs = turned(*ours);
  auto owner = ask_kernel(theirs);
  // Our own end is there for sure: if that is not found either, the kernel has no diagnosis.
  if (!owner && !ask_kernel(*ours)) {
    owner = read_tables(theirs);
  }
  VPCCNI_TRY(const uid_t uid, std::move(owner));
  return std::optional(uid);
}

}  // namespace vpccni::linux
