// vpccni eni attach, detach: one ENI by hand. The agent takes in what is attached within a minute;
// nothing is detached while it runs, or while a pod may have an address of it.

#include "cmd/eni_attach.h"

#include <algorithm>

#include "agent/choose_subnet.h"
#include "cmd/changes.h"
#include "sre/may_change.h"

namespace vpccni::cmd {

namespace {

using std::chrono::seconds;

constexpr auto kPeriod = seconds(1);
constexpr int kMostLooks = 60;

Result<aws::Eni> look(aws::Ec2& ec2, const net::EniId& id) {
  aws::EniFilter filter;
  filter.ids = {id};
  VPCCNI_TRY(const auto found, ec2.network_interfaces(filter));
  if (found.empty()) {
    return Error{Errc::not_found, "EC2 knows no " + to_string(id)};
  }
  return found.front();
}

/// Until EC2 says so.
Result<> wait_for(const Invocation& invocation, Progress& progress, aws::Ec2& ec2,
                  const net::EniId& id, const std::string& what,
                  const std::function<bool(const aws::Eni&)>& done) {
  for (int i = 0; i < kMostLooks; ++i) {
    VPCCNI_TRY(const auto eni, look(ec2, id));
    if (done(eni)) {
      return {};
    }
    progress("waiting until " + to_string(id) + " is " + what + ", " + std::to_string(i) + " s");
    (void)invocation.clock.wait_for(kPeriod, {});
  }
  return Error{Errc::timeout, to_string(id) + " is not " + what + " after a minute"};
}

}  // namespace

int eni_attach(const Invocation& invocation, const std::string& name, bool yes, bool json) {
  const auto instance = read_instance(invocation, json);
  const net::EniId id(name);
  const auto eni = instance ? look(instance->session->ec2(), id) : instance.error();
  if (!eni) {
    invocation.err << invocation.program << ": " << eni.error().message << "\n";
    return kFailed;
  }
  Change change{"attach " + name, {}, false, {}};
  if (eni->attachment) {
    change.done_already = eni->attachment->instance == instance->identity.id;
    if (!change.done_already) {
      change.against.push_back("it is attached to " + to_string(eni->attachment->instance));
    }
  } else if (eni->availability_zone != instance->identity.availability_zone) {
    change.against.push_back("it is in zone " + eni->availability_zone + ", this instance in " +
                             instance->identity.availability_zone);
  }
  change.make = [&](Progress& progress) -> Result<std::string> {
    auto& ec2 = instance->session->ec2();
    VPCCNI_TRY(const auto attachments, ec2.attachments(instance->identity.id));
    const int device = agent::free_device_index(attachments, net::NetworkCard(0));
    if (device < 0) {
      return Error{Errc::exhausted, "no device index is free"};
    }
    VPCCNI_TRY(
        [[maybe_unused]] const auto attachment,
        ec2.attach(id, instance->identity.id, net::NetworkCard(0), net::DeviceIndex(device)));
    VPCCNI_CHECK(wait_for(invocation, progress, ec2, id, "attached", [](const aws::Eni& one) {
      return one.attachment && one.attachment->status == "attached";
    }));
    return "device " + std::to_string(device) + "; the agent takes it in within a minute";
  };
  return run_changes(invocation, {change}, yes, json);
}

int eni_detach(const Invocation& invocation, const std::string& name, bool yes, bool json) {
  const auto instance = read_instance(invocation, json);
  if (!instance) {
    invocation.err << invocation.program << ": " << instance.error().message << "\n";
    return kFailed;
  }
  const net::EniId id(name);
  const auto here = std::find_if(instance->enis.begin(), instance->enis.end(),
                                 [&](const auto& one) { return one.eni.id == id; });
  Change change{"detach " + name,
                sre::against_detach(instance->view, id, instance->enis),
                here == instance->enis.end(),
                {}};
  change.make = [&](Progress& progress) -> Result<std::string> {
    auto& ec2 = instance->session->ec2();
    VPCCNI_CHECK(ec2.detach(here->eni.attachment->id));
    VPCCNI_CHECK(wait_for(invocation, progress, ec2, id, "detached",
                          [](const aws::Eni& one) { return one.status == "available"; }));
    return std::string("it is kept; vpccni eni gc, or the agent's next start, deletes it");
  };
  return run_changes(invocation, {change}, yes, json);
}

}  // namespace vpccni::cmd
