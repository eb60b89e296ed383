#include "tests/vpc/control.h"

#include <algorithm>

#include "base/text.h"
#include "tests/vpc/ec2_elements.h"

namespace vpccni::vpc {

namespace {

using base::Json;

Error invalid(const std::string& what) {
  return {Errc::invalid_argument, what, "InvalidRequest"};
}

/// From zero to a day.
base::Duration milliseconds_member(const Json& json, const char* name) {
  constexpr std::int64_t kDay = 86'400'000;
  return std::chrono::milliseconds(
      std::clamp<std::int64_t>(base::integer_member(json, name).value_or(0), 0, kDay));
}

std::set<std::string> texts_member(const Json& json, const char* name) {
  std::set<std::string> texts;
  if (const auto* list = base::find_member(json, name); list != nullptr && list->is_array()) {
    for (const auto& one : *list) {
      if (one.is_string()) {
        texts.insert(one.get<std::string>());
      }
    }
  }
  return texts;
}

aws::Tags tags_member(const Json& json) {
  aws::Tags tags;
  if (const auto* object = base::find_member(json, "tags");
      object != nullptr && object->is_object()) {
    for (const auto& [key, value] : object->items()) {
      tags[key] = value.is_string() ? value.get<std::string>() : base::dump_json(value);
    }
  }
  return tags;
}

/// A member that nobody knows is a mistake of the script.
Result<> check_members(const Json& json, const std::set<std::string>& known) {
  if (!json.is_object()) {
    return invalid("a JSON object expected");
  }
  for (const auto& [key, value] : json.items()) {
    if (!known.contains(key)) {
      return invalid("unknown member \"" + key + "\"");
    }
  }
  return {};
}

template <class T>
Json texts(const std::vector<T>& values) {
  Json list = Json::array();
  for (const auto& value : values) {
    list.push_back(to_string(value));
  }
  return list;
}

Json eni_json(const Eni& eni) {
  Json json = {{"id", to_string(eni.id)},
               {"mac", to_string(eni.mac)},
               {"subnet", to_string(eni.subnet)},
               {"description", eni.description},
               {"status", eni.status},
               {"type", name_of(eni.kind)},
               {"source_dest_check", eni.source_dest_check},
               {"prefixes", texts(eni.prefixes)},
               {"ipv6_addresses", texts(eni.ipv6_addresses)},
               {"ipv6_prefixes", texts(eni.ipv6_prefixes)},
               {"groups", texts(eni.groups)},
               {"tags", eni.tags},
               {"addresses", Json::array()},
               {"attachment", nullptr}};
  for (const auto& address : eni.addresses) {
    json["addresses"].push_back(to_string(address.ip));  // primary first
  }
  if (eni.attachment) {
    json["attachment"] = {{"id", to_string(eni.attachment->id)},
                          {"instance", to_string(eni.attachment->instance)},
                          {"device", eni.attachment->device.value()},
                          {"card", eni.attachment->card.value()},
                          {"status", eni.attachment->status},
                          {"delete_on_termination", eni.attachment->delete_on_termination}};
  }
  return json;
}

Json instance_json(const Instance& instance) {
  return {{"id", to_string(instance.id)},
          {"type", instance.type},
          {"zone", instance.zone},
          {"vpc", to_string(instance.vpc)},
          {"subnet", to_string(instance.subnet)},
          {"state", state_of(instance).name},
          {"private_dns", instance.private_dns},
          {"address", to_string(instance.address)},
          {"mac", to_string(instance.primary_mac)},
          {"primary_eni", to_string(instance.primary_eni)}};
}

}  // namespace

Json state_of_model(const Model& model, const Faults& faults) {
  Json json = {{"region", model.options().region}, {"vpcs", Json::array()},
               {"subnets", Json::array()},         {"groups", Json::array()},
               {"instances", Json::array()},       {"enis", Json::array()},
               {"faults", Json::array()},          {"calls", faults.calls()}};
  for (const auto& [id, vpc] : model.vpcs()) {
    json["vpcs"].push_back({{"id", to_string(id)}, {"cidrs", texts(vpc.cidrs)}});
  }
  for (const auto& [id, subnet] : model.subnets()) {
    json["subnets"].push_back({{"id", to_string(id)},
                               {"vpc", to_string(subnet.vpc)},
                               {"cidr", to_string(subnet.cidr)},
                               {"zone", subnet.availability_zone},
                               {"available", subnet.available_addresses},
                               {"full", subnet.full},
                               {"fragmented", subnet.fragmented},
                               {"tags", subnet.tags}});
  }
  for (const auto& [id, group] : model.groups()) {
    json["groups"].push_back({{"id", to_string(id)}, {"name", group.name}});
  }
  for (const auto& [id, instance] : model.instances()) {
    json["instances"].push_back(instance_json(instance));
  }
  for (const auto& [id, eni] : model.enis()) {
    json["enis"].push_back(eni_json(eni));
  }
  for (const auto& fault : faults.active()) {
    json["faults"].push_back({{"id", fault.id},
                              {"kind", to_string(fault.kind)},
                              {"action", fault.action},
                              {"instance", to_string(fault.instance)},
                              {"times", fault.times}});
  }
  return json;
}

Result<Fault> parse_fault(const Json& json) {
  VPCCNI_CHECK(check_members(
      json, {"kind", "action", "instance", "times", "code", "message", "status", "delay_ms"}));
  const auto kind = parse_fault_kind(base::string_member(json, "kind"));
  if (!kind) {
    return invalid("unknown kind of fault \"" + base::string_member(json, "kind") + "\"");
  }
  Fault fault{.kind = *kind};
  if (const auto action = base::string_member(json, "action"); !action.empty()) {
    fault.action = action;
  }
  if (const auto code = base::string_member(json, "code"); !code.empty()) {
    fault.code = code;
  }
  fault.instance = net::InstanceId(base::string_member(json, "instance"));
  fault.message = base::string_member(json, "message");
  fault.times = static_cast<int>(base::integer_member(json, "times").value_or(-1));
  fault.status = static_cast<int>(base::integer_member(json, "status").value_or(503));
  fault.delay = milliseconds_member(json, "delay_ms");
  if (fault.times == 0 || fault.times < -1 || fault.status < 200 || fault.status > 599) {
    return invalid("times must be positive or -1, status 200 to 599");
  }
  return fault;
}

Result<ImdsFaults> parse_imds_faults(const Json& json, base::Instant now) {
  VPCCNI_CHECK(check_members(
      json, {"instance", "down", "black_hole", "delay_ms", "tokens_refused", "unavailable", "stale",
             "missing", "hidden", "after_detach", "clock_behind_ms"}));
  ImdsFaults faults;
  faults.down = base::bool_member(json, "down").value_or(false);
  faults.black_hole = base::bool_member(json, "black_hole").value_or(false);
  faults.delay = milliseconds_member(json, "delay_ms");
  faults.tokens_refused = base::bool_member(json, "tokens_refused").value_or(false);
  faults.unavailable = static_cast<int>(base::integer_member(json, "unavailable").value_or(0));
  if (base::bool_member(json, "stale").value_or(false)) {
    faults.frozen = now.steady;
  }
  faults.clock_behind = milliseconds_member(json, "clock_behind_ms");
  faults.missing = texts_member(json, "missing");
  faults.hidden = texts_member(json, "hidden");
  const auto gone = base::string_member(json, "after_detach");
  if (gone == "half") {
    faults.after_detach = ImdsFaults::Gone::half;
  } else if (gone == "stay") {
    faults.after_detach = ImdsFaults::Gone::stay;
  } else if (!gone.empty() && gone != "vanish") {
    return invalid("after_detach is vanish, half or stay");
  }
  return faults;
}

Control::Control(event::Loop& loop, Model& model, const base::Clock& clock, ControlHooks hooks)
    : model_(model),
      clock_(clock),
      hooks_(std::move(hooks)),
      server_(loop,
              [this](const http::ServerRequest& request,
                     const std::shared_ptr<http::Responder>& to) { to->reply(answer(request)); }) {}

Result<int> Control::listen(const std::string& address, int port) {
  return server_.listen_tcp(address, port);
}

Result<Json> Control::run_instance(const Json& body) {
  VPCCNI_CHECK(check_members(body, {"id", "type", "subnet", "address", "secondary_addresses",
                                    "ipv6_addresses", "tags", "imds"}));
  NewInstance wanted;
  wanted.id = net::InstanceId(base::string_member(body, "id"));
  if (const auto type = base::string_member(body, "type"); !type.empty()) {
    wanted.type = type;
  }
  wanted.subnet = net::SubnetId(base::string_member(body, "subnet"));
  if (wanted.subnet.empty() && !model_.subnets().empty()) {
    wanted.subnet = model_.subnets().begin()->first;
  }
  if (const auto address = base::string_member(body, "address"); !address.empty()) {
    VPCCNI_TRY(wanted.address, net::Ip::parse(address));
  }
  const auto count = [&](const char* name) {
    return static_cast<int>(base::integer_member(body, name).value_or(0));
  };
  wanted.secondary_addresses = count("secondary_addresses");
  wanted.ipv6_addresses = count("ipv6_addresses");
  wanted.tags = tags_member(body);
  VPCCNI_TRY(const auto made, model_.run_instance(wanted, clock_.now()));
  Json json = instance_json(made);
  if (const auto imds = base::string_member(body, "imds"); !imds.empty() && hooks_.open_imds) {
    VPCCNI_TRY(json["imds"], hooks_.open_imds(made.id, imds));
  }
  return json;
}

/// As if somebody else had done it: no call is counted.
Result<Json> Control::unassign(const Json& body) {
  VPCCNI_CHECK(check_members(body, {"eni", "blocks"}));
  std::vector<net::Ip> addresses;
  std::vector<net::Cidr> prefixes;
  for (const auto& text : texts_member(body, "blocks")) {
    if (const auto address = net::Ip::parse(text)) {
      addresses.push_back(*address);
      continue;
    }
    VPCCNI_TRY(const auto prefix, net::Cidr::parse(text));
    prefixes.push_back(prefix);
  }
  VPCCNI_CHECK(model_.unassign(net::EniId(base::string_member(body, "eni")), addresses, prefixes,
                               clock_.now()));
  return Json::object();
}

Result<Json> Control::carry_out(const std::string& what, const Json& body) {
  const auto now = clock_.now();
  const net::InstanceId instance(base::string_member(body, "instance"));
  if (what == "/fault") {
    VPCCNI_TRY(auto fault, parse_fault(body));
    if (fault.kind == FaultKind::stale) {
      fault.as_of = std::make_shared<Model>(model_);
    }
    return Json{{"id", model_.faults().add(std::move(fault))}};
  }
  if (what == "/imds-fault") {
    if (model_.find_instance(instance) == nullptr) {
      return no_such_instance(instance);
    }
    VPCCNI_TRY(model_.imds_faults(instance), parse_imds_faults(body, now));
    if (hooks_.cleared && !model_.imds_faults(instance).black_hole) {
      hooks_.cleared();
    }
    return Json::object();
  }
  if (what == "/subnet-fault") {
    VPCCNI_CHECK(check_members(body, {"subnet", "full", "fragmented"}));
    auto* subnet = model_.edit_subnet(net::SubnetId(base::string_member(body, "subnet")));
    if (subnet == nullptr) {
      return Error{Errc::not_found, "no such subnet", "InvalidSubnetID.NotFound"};
    }
    subnet->full = base::bool_member(body, "full").value_or(false);
    subnet->fragmented = base::bool_member(body, "fragmented").value_or(false);
    return Json::object();
  }
  if (what == "/unassign") {
    return unassign(body);
  }
  if (what == "/account-limits") {
    model_.faults().set_account_limits(base::bool_member(body, "on").value_or(false));
    return Json::object();
  }
  if (what == "/instance") {
    return run_instance(body);
  }
  if (what == "/terminate") {
    VPCCNI_CHECK(model_.terminate_instance(instance, now));
    return Json::object();
  }
  if (what == "/vpc-cidr") {
    VPCCNI_TRY(const auto cidr, net::Cidr::parse(base::string_member(body, "cidr")));
    VPCCNI_CHECK(model_.add_vpc_cidr(net::VpcId(base::string_member(body, "vpc")), cidr, now));
    return Json::object();
  }
  if (what == "/subnet") {
    VPCCNI_TRY(const auto cidr, net::Cidr::parse(base::string_member(body, "cidr")));
    VPCCNI_TRY(const auto id,
               model_.add_subnet({.id = net::SubnetId(base::string_member(body, "id")),
                                  .vpc = net::VpcId(base::string_member(body, "vpc")),
                                  .cidr = cidr,
                                  .zone = base::string_member(body, "zone"),
                                  .tags = tags_member(body)}));
    return Json{{"id", to_string(id)}};
  }
  return Error{Errc::not_found, "nothing is at " + what, "NotFound"};
}

Result<Json> Control::remove(const std::string& path) {
  constexpr std::string_view kOne = "/fault/";
  if (path == "/fault") {
    model_.faults().clear();
  } else if (path == "/calls") {
    model_.faults().reset_calls();
  } else if (path.starts_with(kOne)) {
    VPCCNI_TRY(const int id, base::parse_integer<int>(path.substr(kOne.size())));
    if (!model_.faults().clear(id)) {
      return Error{Errc::not_found, "no such fault", "NotFound"};
    }
  } else {
    return Error{Errc::not_found, "nothing is at " + path, "NotFound"};
  }
  if (hooks_.cleared) {
    hooks_.cleared();
  }
  return Json::object();
}

http::ServerReply Control::answer(const http::ServerRequest& request) {
  model_.advance(clock_.now());
  Result<Json> done = Error{Errc::unsupported, "GET, POST or DELETE expected", "NotFound"};
  if (request.method == "GET" && request.path == "/state") {
    done = state_of_model(model_, model_.faults());
  } else if (request.method == "GET" && request.path == "/check") {
    if (const auto sound = model_.check(); !sound) {
      return {.status = 500, .body = sound.error().message + "\n"};
    }
    done = Json::object();
  } else if (request.method == "POST") {
    auto body = base::parse_json(request.body.empty() ? "{}" : request.body);
    done = body ? carry_out(request.path, *body) : std::move(body).error();
  } else if (request.method == "DELETE") {
    done = remove(request.path);
  }
  const std::string type = "application/json";
  if (!done) {
    const Json json = {{"error", done.error().message}, {"code", done.error().cause}};
    const int status = done.error().code == Errc::not_found ? 404 : 400;
    return {.status = status, .content_type = type, .body = base::dump_json(json) + "\n"};
  }
  return {.content_type = type, .body = base::dump_json(*done) + "\n"};
}

}  // namespace vpccni::vpc
