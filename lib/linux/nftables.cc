#include "linux/nftables.h"

#include <netinet/in.h>  // before the kernel's headers, which then leave its types alone
#include <poll.h>
#include <sys/socket.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <cerrno>

#include "base/fd.h"
#include "linux/netlink_handle.h"

namespace vpccni::linux {

namespace {

constexpr int kPatience = 5000;       // milliseconds; the kernel answers within the call
constexpr std::uint32_t kDelete = 2;  // sequence number; those of the batch's ends are beside it

nfgenmsg header(std::uint8_t family, std::uint16_t resource) {
  return {.nfgen_family = family, .version = NFNETLINK_V0, .res_id = htons(resource)};
}

std::string with_sequence(const Message& message, std::uint32_t sequence) {
  std::string bytes = message.request({}).bytes;
  nlmsghdr head{};
  std::memcpy(&head, bytes.data(), sizeof(head));
  head.nlmsg_seq = sequence;
  std::memcpy(bytes.data(), &head, sizeof(head));
  bytes.resize(NLMSG_ALIGN(bytes.size()));
  return bytes;
}

std::string batch(const std::string& name) {
  Message begin(NFNL_MSG_BATCH_BEGIN, 0);
  begin.append(header(AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
  Message remove((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_DELTABLE, NLM_F_ACK);
  remove.append(header(NFPROTO_IPV4, 0));
  remove.put_name(NFTA_TABLE_NAME, name);
  Message end(NFNL_MSG_BATCH_END, 0);
  end.append(header(AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
  return with_sequence(begin, kDelete - 1) + with_sequence(remove, kDelete) +
         with_sequence(end, kDelete + 1);
}

/// The first answer, an errno or 0: a batch that fails is answered for the message that failed.
Result<int> answer(int fd) {
  pollfd ready{fd, POLLIN, 0};
  if (::poll(&ready, 1, kPatience) != 1) {
    return Error{Errc::timeout, "nf_tables does not answer"};
  }
  std::array<char, 8192> bytes{};
  const ssize_t got = ::recv(fd, bytes.data(), bytes.size(), 0);
  if (got < 0) {
    return errno_error(errno, "nf_tables");
  }
  nlmsghdr head{};
  nlmsgerr said{};
  if (static_cast<std::size_t>(got) < NLMSG_HDRLEN + sizeof(said)) {
    return Error{Errc::corrupt, "nf_tables: a short answer"};
  }
  std::memcpy(&head, bytes.data(), sizeof(head));
  std::memcpy(&said, bytes.data() + NLMSG_HDRLEN, sizeof(said));
  if (head.nlmsg_type != NLMSG_ERROR) {
    return Error{Errc::corrupt, "nf_tables: an answer that is none"};
  }
  return -said.error;
}

}  // namespace

Result<bool> delete_nft_table(const std::string& name) {
  const base::Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
  if (!fd.valid()) {
    return Error{Errc::unsupported,
                 "no netlink to netfilter: " + errno_error(errno, "socket").message};
  }
  const std::string bytes = batch(name);
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  if (::sendto(fd.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&kernel),
               sizeof(kernel)) < 0) {  // NOLINT
    return errno_error(errno, "nf_tables");
  }
  VPCCNI_TRY(const int number, answer(fd.get()));
  if (number == ENOENT) {
    return false;
  }
  if (number == EOPNOTSUPP || number == EPROTONOSUPPORT || number == EINVAL) {
    return Error{Errc::unsupported, "the kernel has no nf_tables"};
  }
  if (number != 0) {
    return errno_error(number, "remove nf_tables table " + name);
  }
  return true;
}

}  // namespace vpccni::linux
