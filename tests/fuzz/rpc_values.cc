// gRPC's values: framed messages, headers, targets, and the wire messages of the agent.

#include <algorithm>

#include "agent/rpc_service.h"
#include "rpc/framing.h"
#include "rpc/headers.h"
#include "rpc/target.h"
#include "tests/fuzz/fuzz.h"

namespace vpccni {
namespace {

using fuzz::require;

constexpr std::size_t kLimit = 1000;

struct Read {
  bool good = true;
  bool complete = false;
  std::string message;
  friend bool operator==(const Read&, const Read&) = default;
};

Read read_in_pieces(std::string_view bytes, std::size_t piece) {
  rpc::MessageReader reader(kLimit);
  Read out;
  while (out.good && !bytes.empty()) {
    const auto part = bytes.substr(0, piece);
    bytes.remove_prefix(part.size());
    out.good = reader.feed(part).has_value();
    require(reader.size() <= kLimit, "no more than the limit is held");
  }
  if (out.good && reader.complete()) {
    out.complete = true;
    out.message = reader.take();
  }
  return out;
}

void check_framing(std::string_view input) {
  const Read whole = read_in_pieces(input, input.size());
  require(read_in_pieces(input, 1) == whole, "pieces make no difference");
  require(read_in_pieces(input, 7) == whole, "pieces make no difference");
  const Read framed = read_in_pieces(rpc::frame(input), 11);
  require(input.size() > kLimit ? !framed.good : framed.complete && framed.message == input,
          "a framed message is read back");
}

void check_headers(std::string_view input) {
  const std::string sent = rpc::encode_message(input);
  require(sent.size() <= 4096, "a message is bounded");
  require(std::all_of(sent.begin(), sent.end(), [](char c) { return c >= ' ' && c <= '~'; }),
          "a message fits a header");
  require(input.starts_with(rpc::decode_message(sent)), "a message is read back");
  (void)rpc::decode_message(input);
  (void)rpc::is_grpc_content_type(input);
  require(!to_string(rpc::parse_code(input)).empty(), "a code has a name");
  if (const auto timeout = rpc::parse_timeout(input)) {
    require(timeout->count() >= 0 && *timeout <= std::chrono::hours(24 * 366), "a timeout is sane");
    const auto again = rpc::parse_timeout(rpc::format_timeout(*timeout));
    require(again && rpc::format_timeout(*again) == rpc::format_timeout(*timeout),
            "a written timeout reads the same");
  }
}

void check_target(std::string_view input) {
  if (const auto target = rpc::parse_target(input)) {
    require(!target->authority().empty(), "a target has an authority");
    const auto again =
        target->kind == rpc::Target::Kind::tcp
            ? rpc::parse_target(target->authority())
            : rpc::parse_target((target->path.starts_with('/') ? "unix://" : "unix:") +
                                target->path);
    require(again && again->authority() == target->authority() && again->path == target->path,
            "a target reads the same");
  }
}

void check_messages(std::string_view input) {
  const agent::ReplyFacts facts;
  const int size = static_cast<int>(input.size());
  if (::rpc::AddNetworkRequest request; request.ParseFromArray(input.data(), size)) {
    if (const auto event = agent::to_event(request, 1, facts)) {
      require(!event->key.container.empty() && !event->key.ifname.empty(), "a pod has a key");
    } else {
      require(!agent::failure(event.error().message).success(), "a failure is none");
    }
  }
  if (::rpc::DelNetworkRequest request; request.ParseFromArray(input.data(), size)) {
    const auto event = agent::to_event(request, 1, facts);
    for (const auto& link : event.host_links) {
      // A link is "name" or "name/MAC address".
      require(std::min(link.find('/'), link.size()) <= 15, "a link's name fits the kernel");
    }
  }
  ::rpc::AddNetworkReply reply;  // what the plugin reads
  if (reply.ParseFromArray(input.data(), size)) {
    for (const auto& each : reply.ipallocationmetadata()) {
      (void)net::Ip::parse(each.ipv4addr());
    }
  }
  ::rpc::DelNetworkReply del;
  (void)del.ParseFromArray(input.data(), size);
  ::rpc::HealthCheckResponse health;
  (void)health.ParseFromArray(input.data(), size);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  switch (fuzz::take_choice(input, 4)) {
    case 0:
      check_framing(input);
      break;
    case 1:
      check_headers(input);
      break;
    case 2:
      check_target(input);
      break;
    default:
      check_messages(input);
  }
  return 0;
}

}  // namespace vpccni
