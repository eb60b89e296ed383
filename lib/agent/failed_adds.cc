#include "agent/failed_adds.h"

#include "base/text.h"

namespace vpccni::agent {

namespace {

constexpr std::size_t kNameBytes = 253;  // a Kubernetes name
constexpr std::size_t kTextBytes = 512;

void shorten(std::string& text, std::size_t bytes) {
  text = std::string(base::utf8_prefix(text, bytes));
}

}  // namespace

void FailedAdds::add(FailedAdd one) {
  for (auto* name : {&one.key.network, &one.key.container, &one.key.ifname, &one.pod.name_space,
                     &one.pod.name, &one.reason}) {
    shorten(*name, kNameBytes);
  }
  shorten(one.detail, kTextBytes);
  shorten(one.doing, kTextBytes);
  kept_.push_back(std::move(one));
  ++total_;
  if (kept_.size() > kKept) {
    kept_.pop_front();
  }
}

ipam::AddFailure split_reason(const std::string& text) {
  const auto colon = text.find(": ");
  const bool named = colon != std::string::npos && colon > 0 &&
                     text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == colon;
  return named ? ipam::AddFailure{text.substr(0, colon), text.substr(colon + 2)}
               : ipam::AddFailure{"INVALID_REQUEST", text};
}

}  // namespace vpccni::agent
