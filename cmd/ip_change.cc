// vpccni ip assign, unassign: addresses by hand. The agent takes in more within a minute; nothing
// is taken away while it runs, or while a pod may have it.

#include "cmd/ip_change.h"

#include "base/text.h"
#include "cmd/changes.h"
#include "sre/may_change.h"

namespace vpccni::cmd {

namespace {

constexpr int kMostAtOnce = 64;

int usage(const Invocation& invocation, const char* text) {
  invocation.err << "usage: vpccni ip " << text << "\n";
  return kUsage;
}

int fail(const Invocation& invocation, const Error& error) {
  invocation.err << invocation.program << ": " << error.message << "\n";
  return kFailed;
}

/// "10.0.0.7" or "10.0.0.16/28".
Result<net::Cidr> parse_block(const std::string& text) {
  if (text.find('/') != std::string::npos) {
    return net::Cidr::parse(text);
  }
  VPCCNI_TRY(const auto ip, net::Ip::parse(text));
  return net::Cidr::host(ip);
}

}  // namespace

int ip_assign(const Invocation& invocation, const std::vector<std::string>& args, bool yes,
              bool json) {
  const bool counted = args.size() == 3 && (args[1] == "--count" || args[1] == "--prefixes");
  const auto number = counted ? base::parse_integer<int>(args[2]) : Result<int>(1);
  if ((args.size() != 1 && !counted) || !number || *number < 1 || *number > kMostAtOnce) {
    return usage(invocation, "assign ENI [--count N | --prefixes N] [--yes] [--json]");
  }
  const auto instance = read_instance(invocation, json);
  if (!instance) {
    return fail(invocation, instance.error());
  }
  const bool prefixes = counted && args[1] == "--prefixes";
  const net::EniId eni(args[0]);
  Change change{"assign " + std::to_string(*number) + (prefixes ? " prefixes" : " addresses") +
                    " to " + args[0],
                sre::against_assign(eni, instance->enis),
                false,
                {}};
  change.make = [&](Progress&) -> Result<std::string> {
    auto& ec2 = instance->session->ec2();
    VPCCNI_TRY(const auto added,
               prefixes ? ec2.assign_prefixes(eni, *number) : ec2.assign_addresses(eni, *number));
    std::vector<std::string> texts;
    for (const auto& ip : added.addresses) {
      texts.push_back(to_string(ip));
    }
    for (const auto& prefix : added.prefixes) {
      texts.push_back(to_string(prefix));
    }
    return base::join(texts, ", ") +
           "; the agent takes them in within a minute, and gives back "
           "what its targets do not need after some";
  };
  return run_changes(invocation, {change}, yes, json);
}

int ip_unassign(const Invocation& invocation, const std::vector<std::string>& args, bool yes,
                bool json) {
  std::vector<net::Cidr> blocks;
  for (const auto& arg : args) {
    const auto block = parse_block(arg);
    if (!block || block->family() != net::Family::v4 ||
        (!block->is_host() && block->length() != 28)) {
      invocation.err << invocation.program << ": " << base::json_quote(arg.substr(0, 64))
                     << " is no IPv4 address and no /28 prefix\n";
      return kUsage;
    }
    blocks.push_back(*block);
  }
  if (blocks.empty()) {
    return usage(invocation, "unassign ADDRESS|PREFIX... [--yes] [--json]");
  }
  const auto instance = read_instance(invocation, json);
  if (!instance) {
    return fail(invocation, instance.error());
  }
  std::vector<Change> changes;
  for (const auto& block : blocks) {
    const auto* on = sre::eni_with(instance->enis, block);
    const std::string text = block.is_host() ? to_string(block.base()) : to_string(block);
    Change change{"unassign " + text + (on != nullptr ? " from " + to_string(on->eni.id) : ""),
                  sre::against_unassign(instance->view, block, instance->enis),
                  on == nullptr,
                  {}};
    change.make = [&instance, on, block](Progress&) -> Result<std::string> {
      auto& ec2 = instance->session->ec2();
      VPCCNI_CHECK(block.is_host() ? ec2.unassign_addresses(on->eni.id, {block.base()})
                                   : ec2.unassign_prefixes(on->eni.id, {block}));
      return std::string();
    };
    changes.push_back(std::move(change));
  }
  return run_changes(invocation, changes, yes, json);
}

}  // namespace vpccni::cmd
