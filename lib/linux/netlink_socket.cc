#include "linux/netlink_socket.h"

#include <sys/socket.h>

#include <cerrno>

#include "base/clock.h"
#include "linux/netlink_handle.h"
#include "linux/netns.h"

namespace vpccni::linux {

namespace {

// The kernel sends at most 32 KiB per dump datagram, and one object fits well below that.
constexpr std::size_t kReceiveBytes = std::size_t{64} << 10U;
constexpr int kDumpTries = 5;
constexpr auto kDumpPause = std::chrono::milliseconds(100);  // from the second failure on

nlmsghdr* header_at(char* bytes) {
  return reinterpret_cast<nlmsghdr*>(bytes);  // NOLINT
}

void enable(int fd, int option) {
  const int on = 1;
  // Older kernels lack the option; then an error has no sentence and a dump is filtered by us.
  (void)::setsockopt(fd, SOL_NETLINK, option, &on, sizeof(on));
}

/// The sentence among the attributes behind an error message.
std::string sentence_of(nlmsghdr* message) {
  if ((message->nlmsg_flags & NLM_F_ACK_TLVS) == 0) {
    return {};
  }
  const auto* failure = static_cast<const nlmsgerr*>(nlmsg_data(message));
  std::size_t offset = sizeof(nlmsgerr);
  if ((message->nlmsg_flags & NLM_F_CAPPED) == 0) {
    offset += failure->msg.nlmsg_len - sizeof(nlmsghdr);
  }
  const auto length = static_cast<std::size_t>(nlmsg_datalen(message));
  if (offset >= length) {
    return {};
  }
  auto* first =
      reinterpret_cast<nlattr*>(static_cast<char*>(nlmsg_data(message)) + offset);  // NOLINT
  const nlattr* text = nla_find(first, static_cast<int>(length - offset), NLMSGERR_ATTR_MSG);
  if (text == nullptr) {
    return {};
  }
  const auto* start = static_cast<const char*>(nla_data(text));
  return {start, strnlen(start, static_cast<std::size_t>(nla_len(text)))};
}

/// The errno of an acknowledgement or of the end of a dump.
int number_of(nlmsghdr* message) {
  int number = 0;
  if (nlmsg_datalen(message) >= static_cast<int>(sizeof(number))) {
    std::memcpy(&number, nlmsg_data(message), sizeof(number));
  }
  return -number;
}

}  // namespace

void Netlink::Close::operator()(nl_sock* socket) const noexcept {
  nl_socket_free(socket);
}

Netlink::Netlink(std::unique_ptr<nl_sock, Close> socket)
    : socket_(std::move(socket)),
      buffer_(std::make_unique_for_overwrite<char[]>(kReceiveBytes)) {}  // NOLINT

Result<Netlink> Netlink::open() {
  std::unique_ptr<nl_sock, Close> socket(nl_socket_alloc());
  if (!socket) {
    return Error{Errc::exhausted, "netlink socket: out of memory"};
  }
  const int status = nl_connect(socket.get(), NETLINK_ROUTE);
  if (status < 0) {
    return Error{Errc::internal, std::string("netlink socket: ") + nl_geterror(status)};
  }
  const int fd = nl_socket_get_fd(socket.get());
  enable(fd, NETLINK_EXT_ACK);
  enable(fd, NETLINK_CAP_ACK);
  enable(fd, NETLINK_GET_STRICT_CHK);
  return Netlink(std::move(socket));
}

Result<Netlink> Netlink::open_in(const Netns& netns) {
  std::optional<Netlink> opened;
  VPCCNI_CHECK(with_netns(netns, [&]() -> Result<> {
    VPCCNI_TRY(opened, open());
    return {};
  }));
  return std::move(*opened);
}

Result<> Netlink::send(std::string& bytes) {
  while (nl_sendto(socket_.get(), bytes.data(), bytes.size()) < 0) {
    if (errno != EINTR) {
      return errno_error(errno, "netlink send");
    }
  }
  return {};
}

Result<std::string_view> Netlink::receive() {
  const int fd = nl_socket_get_fd(socket_.get());
  while (true) {
    const ssize_t n = ::recv(fd, buffer_.get(), kReceiveBytes, MSG_TRUNC);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0) {
      return errno_error(errno, "netlink receive");
    }
    if (static_cast<std::size_t>(n) > kReceiveBytes) {
      return Error{Errc::internal, "netlink receive: an answer of " + std::to_string(n) + " bytes"};
    }
    return std::string_view(buffer_.get(), static_cast<std::size_t>(n));
  }
}

Result<std::vector<Reply>> Netlink::batch(std::span<const Request> requests) {
  std::vector<Reply> replies(requests.size());
  if (requests.empty()) {
    return replies;
  }
  std::string bytes;
  const std::uint32_t first = sequence_ + 1;
  for (const Request& request : requests) {
    const std::size_t at = bytes.size();
    bytes += request.bytes;
    bytes.resize(NLMSG_ALIGN(bytes.size()));
    nlmsghdr* header = header_at(bytes.data() + at);
    header->nlmsg_seq = ++sequence_;
    // The kernel works in order and reports every failure unasked: the last acknowledgement
    // therefore settles all requests before it.
    if (&request == &requests.back()) {
      header->nlmsg_flags = static_cast<std::uint16_t>(header->nlmsg_flags | NLM_F_ACK);
    }
  }
  VPCCNI_CHECK(send(bytes));
  while (true) {
    VPCCNI_TRY(const std::string_view part, receive());
    int left = static_cast<int>(part.size());
    for (nlmsghdr* m = header_at(buffer_.get()); nlmsg_ok(m, left) != 0; m = nlmsg_next(m, &left)) {
      const std::uint32_t index = m->nlmsg_seq - first;
      if (index >= requests.size()) {
        continue;  // an answer to nobody
      }
      if (m->nlmsg_type != NLMSG_ERROR) {
        replies[index].objects.emplace_back(reinterpret_cast<char*>(m), m->nlmsg_len);  // NOLINT
        continue;
      }
      replies[index].number = number_of(m);
      replies[index].sentence = sentence_of(m);
      if (index + 1 == requests.size()) {
        return replies;
      }
    }
  }
}

Result<> Netlink::apply(const Request& request) {
  VPCCNI_TRY(const auto replies, batch({&request, 1}));
  return outcome(request, replies.front());
}

Result<> Netlink::apply_all(std::span<const Request> requests) {
  VPCCNI_TRY(const auto replies, batch(requests));
  for (std::size_t i = 0; i < requests.size(); ++i) {
    VPCCNI_CHECK(outcome(requests[i], replies[i]));
  }
  return {};
}

Result<bool> Netlink::ensure(const Request& request) {
  VPCCNI_TRY(const auto replies, batch({&request, 1}));
  if (replies.front().number == EEXIST) {
    return false;
  }
  VPCCNI_CHECK(outcome(request, replies.front()));
  return true;
}

Result<bool> Netlink::remove(const Request& request) {
  VPCCNI_TRY(const auto replies, batch({&request, 1}));
  const int number = replies.front().number;
  if (number == ENOENT || number == ESRCH || number == ENODEV || number == EADDRNOTAVAIL) {
    return false;
  }
  VPCCNI_CHECK(outcome(request, replies.front()));
  return true;
}

/// False if the kernel called the dump inconsistent.
Result<bool> Netlink::dump_once(Request request, std::vector<std::string>& objects) {
  objects.clear();
  header_at(request.bytes.data())->nlmsg_seq = ++sequence_;
  VPCCNI_CHECK(send(request.bytes));
  bool consistent = true;
  while (true) {
    VPCCNI_TRY(const std::string_view part, receive());
    int left = static_cast<int>(part.size());
    for (nlmsghdr* m = header_at(buffer_.get()); nlmsg_ok(m, left) != 0; m = nlmsg_next(m, &left)) {
      if (m->nlmsg_seq != sequence_) {
        continue;
      }
      consistent = consistent && (m->nlmsg_flags & NLM_F_DUMP_INTR) == 0;
      if (m->nlmsg_type == NLMSG_DONE || m->nlmsg_type == NLMSG_ERROR) {
        VPCCNI_CHECK(outcome(request, {number_of(m), sentence_of(m), {}}));
        return consistent;
      }
      objects.emplace_back(reinterpret_cast<char*>(m), m->nlmsg_len);  // NOLINT
    }
  }
}

Result<std::vector<std::string>> Netlink::dump(const Request& request) {
  std::vector<std::string> objects;
  for (int tried = 1; tried <= kDumpTries; ++tried) {
    VPCCNI_TRY(const bool consistent, dump_once(request, objects));
    if (consistent) {
      return objects;
    }
    if (tried >= 2 && tried < kDumpTries) {
      (void)base::SystemClock().wait_for(kDumpPause, {});
    }
  }
  return Error{
      Errc::conflict,
      request.what + ": the table changed during " + std::to_string(kDumpTries) + " readings",
      "NLM_F_DUMP_INTR"};
}

}  // namespace vpccni::linux
