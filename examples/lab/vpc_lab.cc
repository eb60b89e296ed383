// vpc-lab: the lab's VPC as one process: the model, its faces, and the fabric that makes a network
// of it. Started by scripts/lab, which makes the namespaces. Ends on SIGTERM.
// usage: vpc-lab --control SOCKET --fabric NETNS --internet NETNS --node NAME=NETNS... [--type
// TYPE]
//          [--ipv6 yes] [--lag none] [--subnets BITS] [--max-pods N]

#include <csignal>
#include <iostream>

#include "aws/instance_limits.h"
#include "base/json.h"
#include "base/text.h"
#include "examples/lab/fabric.h"
#include "tests/vpc/control.h"
#include "tests/vpc/ec2_face.h"
#include "tests/vpc/imds_face.h"
#include "tests/vpc/kubernetes_face.h"
#include "tests/vpc/resource_controller.h"

namespace {

using namespace vpccni;
using namespace vpccni::lab;

constexpr int kHttpPort = 80;
constexpr auto kControllerPeriod = std::chrono::milliseconds(100);

struct Options {
  std::string control;
  std::string fabric;
  std::string internet;
  std::vector<std::pair<std::string, std::string>> nodes;  // name, namespace
  std::string type = "t3.small";
  bool lags = true;
  int subnet_bits = 24;
  int max_pods = 110;
  bool ipv6 = false;
};

Result<Options> parse_options(const std::vector<std::string>& words) {
  Options options;
  for (std::size_t i = 0; i + 1 < words.size(); i += 2) {
    const std::string& name = words[i];
    const std::string& value = words[i + 1];
    const auto equals = value.find('=');
    if (name == "--control") {
      options.control = value;
    } else if (name == "--fabric") {
      options.fabric = value;
    } else if (name == "--internet") {
      options.internet = value;
    } else if (name == "--type") {
      options.type = value;
    } else if (name == "--lag" && value == "none") {
      options.lags = false;
    } else if (name == "--ipv6" && value == "yes") {
      options.ipv6 = true;
    } else if (name == "--max-pods") {
      VPCCNI_TRY(options.max_pods, base::parse_integer<int>(value));
    } else if (name == "--subnets") {
      VPCCNI_TRY(options.subnet_bits, base::parse_integer<int>(value));
    } else if (name == "--node" && equals != std::string::npos) {
      options.nodes.emplace_back(value.substr(0, equals), value.substr(equals + 1));
    } else {
      return Error{Errc::invalid_argument, "unknown option " + name + " " + value};
    }
  }
  if (options.subnet_bits < 17 || options.subnet_bits > 26) {
    return Error{Errc::invalid_argument, "--subnets wants a prefix length from 17 to 26"};
  }
  if (words.size() % 2 != 0 || options.control.empty() || options.fabric.empty() ||
      options.internet.empty() || options.nodes.empty()) {
    return Error{Errc::invalid_argument, "--control, --fabric, --internet and --node are needed"};
  }
  return options;
}

Result<vpc::ModelOptions> model_options(const Options& options) {
  vpc::ModelOptions model;
  if (!options.lags) {
    model.lags = vpc::Lags::none();
  }
  const auto limits = aws::instance_limits(options.type);
  if (model.limits.contains(options.type)) {
    return model;
  }
  if (!limits) {
    return Error{Errc::invalid_argument, "unknown instance type " + options.type};
  }
  model.limits.insert_or_assign(options.type, *limits);
  return model;
}

/// Two subnets in one zone, as the worked example of the data-plane specification has them; ENIs
/// of ours may use both.
class Lab {
 public:
  Lab(const Options& options, vpc::ModelOptions model, Fabric fabric)
      : options_(options),
        fabric_(std::move(fabric)),
        model_(std::move(model)),
        ec2_(loop_, model_, clock_),
        kubernetes_(loop_),
        control_(loop_, model_, clock_, {{}, [this] { release(); }}),
        imds_server_(loop_, [this](const auto& request, auto to) { imds(request, to); }),
        kubernetes_server_(
            loop_, [this](const auto& request, auto to) { kubernetes_.handle(request, to); }),
        control_server_(loop_,
                        [this](const auto& request, auto to) { to->reply(control(request)); }) {}

  static std::vector<net::Cidr> vpc_cidrs(bool ipv6) {
    std::vector<net::Cidr> out = {*net::Cidr::parse("10.0.0.0/16")};
    if (ipv6) {
      out.push_back(*net::Cidr::parse("2600:1f14:abc:de00::/56"));
    }
    return out;
  }

  Result<> run() {
    VPCCNI_CHECK(make_topology());
    VPCCNI_CHECK(linux::with_netns(fabric_.router(), [this]() -> Result<> {
      VPCCNI_CHECK(imds_server_.listen_tcp(std::string(kImdsHost), kHttpPort));
      VPCCNI_CHECK(kubernetes_server_.listen_tcp(std::string(kKubernetesHost), kHttpPort));
      VPCCNI_CHECK(ec2_.listen(std::string(kEc2Host), kHttpPort));
      return {};
    }));
    follow();
    const auto controller =
        loop_.every(kControllerPeriod, [this] { controller_.look(clock_.now()); });
    VPCCNI_CHECK(control_server_.listen_unix(options_.control));
    const auto term = loop_.on_signal(SIGTERM, [this] { loop_.stop(); });
    const auto interrupt = loop_.on_signal(SIGINT, [this] { loop_.stop(); });
    loop_.run([this] { follow(); });
    return {};
  }

 private:
  Result<> make_topology() {
    const auto now = clock_.now();
    const auto cidrs = vpc_cidrs(options_.ipv6);
    const auto vpc = model_.add_vpc({cidrs.front()}, now, {cidrs.begin() + 1, cidrs.end()});
    vpc::NewSubnet wanted;
    wanted.vpc = vpc;
    wanted.zone = model_.options().region + "a";
    wanted.cidr = net::Cidr(*net::Ip::parse("10.0.0.0"), options_.subnet_bits);
    if (options_.ipv6) {
      wanted.ipv6 = net::Cidr(cidrs.back().base(), 64);
    }
    VPCCNI_TRY(const auto first, model_.add_subnet(wanted));
    wanted.ipv6.reset();  // one subnet with IPv6 is enough
    wanted.cidr = net::Cidr(cidrs.front().at(wanted.cidr.size()), options_.subnet_bits);
    wanted.tags = {{"kubernetes.io/role/cni", "1"}};
    VPCCNI_CHECK(model_.add_subnet(wanted));
    std::uint64_t host = 5;
    for (const auto& [name, path] : options_.nodes) {
      VPCCNI_TRY(auto netns, linux::Netns::open(path));
      vpc::NewInstance instance;
      instance.type = options_.type;
      instance.subnet = first;
      instance.address = net::Cidr::parse("10.0.0.0/24")->at(host++);
      instance.tags = {{"Name", "node-" + name}};
      instance.ipv6_addresses = options_.ipv6 ? 1 : 0;
      VPCCNI_TRY(const auto made, model_.run_instance(instance, now));
      nodes_.emplace(made.id, std::move(netns));
      imds_.emplace(made.id, std::make_unique<vpc::ImdsFace>(loop_, model_, clock_, made.id));
      kubernetes_.add_node("node-" + name, options_.max_pods);
      kubernetes_.add_cni_node("node-" + name);
      controller_.add_node("node-" + name, made.id);
    }
    return {};
  }

  /// Lets happen what is due in the model, and makes the network follow.
  void follow() {
    model_.advance(clock_.now());
    for (const auto& change : model_.take_changes()) {
      const auto done = std::visit([this](const auto& one) { return apply(one); }, change);
      if (!done) {
        std::cerr << "vpc-lab: " << done.error().message << std::endl;
      }
    }
    const auto due = model_.next_due();
    next_ = due ? loop_.after(std::max(base::Duration::zero(), *due - clock_.now().steady), [] {})
                : event::Registration();
  }

  Result<> apply(const vpc::AddressChange& change) {
    return change.assigned ? fabric_.assign(change.eni, change.block)
                           : fabric_.unassign(change.eni, change.block);
  }

  Result<> apply(const vpc::BranchChange& change) {
    const auto* eni = model_.find_eni(change.branch);
    const auto* subnet = eni == nullptr ? nullptr : model_.find_subnet(eni->subnet);
    if (!change.associated || subnet == nullptr) {
      return fabric_.detach(change.branch);
    }
    return fabric_.attach_branch({.id = change.branch,
                                  .mac = eni->mac,
                                  .device = {},
                                  .card = {},
                                  .primary = eni->primary(),
                                  .subnet = subnet->cidr,
                                  .primary_v6 = {}},
                                 change.trunk, change.vlan);
  }

  Result<> apply(const vpc::LinkChange& change) {
    const auto node = nodes_.find(change.instance);
    if (!change.attached || node == nodes_.end()) {
      return fabric_.detach(change.eni);
    }
    const auto* eni = model_.find_eni(change.eni);
    const auto* subnet = eni == nullptr ? nullptr : model_.find_subnet(eni->subnet);
    if (subnet == nullptr) {
      return {};  // gone again
    }
    EniLink link{
        .id = change.eni,
        .mac = change.mac,
        .device = change.device,
        .card = change.card,
        .primary = eni->primary(),
        .subnet = subnet->cidr,
        .primary_v6 = {},
        .configured = change.device == net::DeviceIndex(0) && change.card == net::NetworkCard(0)};
    if (!eni->ipv6_addresses.empty()) {
      link.primary_v6 = eni->ipv6_addresses.front();
    }
    return fabric_.attach(link, node->second);
  }

  /// Whose metadata somebody wants is told by the source address, pods' included.
  void imds(const http::ServerRequest& request, const std::shared_ptr<http::Responder>& to) {
    const auto peer = net::Ip::parse(request.peer);
    for (const auto& [id, eni] : model_.enis()) {
      const bool owner = peer && std::any_of(eni.addresses.begin(), eni.addresses.end(),
                                             [&](const auto& each) { return each.ip == *peer; });
      if (owner && eni.attachment) {
        if (const auto face = imds_.find(eni.attachment->instance); face != imds_.end()) {
          face->second->handle(request, to);
          return;
        }
      }
    }
    to->drop();
  }

  http::ServerReply control(const http::ServerRequest& request) {
    if (request.path == "/kubernetes/events") {
      return {200, "application/json", base::dump_json(base::Json(kubernetes_.events())), {}};
    }
    if (request.path == "/controller" && request.method == "POST") {
      return set_controller(request.body);
    }
    if (request.path == "/kubernetes/crowd" && request.method == "POST") {
      return make_crowd(request.body);
    }
    if (request.path == "/kubernetes/fault" && request.method == "POST") {
      const auto body = base::parse_json(request.body);
      if (!body) {
        return {400, "text/plain", body.error().message, {}};
      }
      vpc::KubernetesFaults faults;
      faults.down = base::bool_member(*body, "down").value_or(false);
      faults.black_hole = base::bool_member(*body, "black_hole").value_or(false);
      faults.garbage = base::bool_member(*body, "garbage").value_or(false);
      faults.status = static_cast<int>(base::integer_member(*body, "status").value_or(0));
      kubernetes_.set_faults(faults);
      return {200, "application/json", "{}", {}};
    }
    return control_.answer(request);
  }

  /// {"on": BOOL, "branch_ms": N, "cooldown_ms": N}: the VPC resource controller's ways.
  http::ServerReply set_controller(const std::string& body) {
    const auto wanted = base::parse_json(body);
    if (!wanted) {
      return {400, "text/plain", wanted.error().message, {}};
    }
    auto& options = controller_.options();
    options.on = base::bool_member(*wanted, "on").value_or(options.on);
    if (const auto ms = base::integer_member(*wanted, "branch_ms")) {
      options.per_branch = std::chrono::milliseconds(*ms);
    }
    if (const auto ms = base::integer_member(*wanted, "cooldown_ms")) {
      options.cooldown = std::chrono::milliseconds(*ms);
    }
    return {200, "application/json", "{}", {}};
  }

  /// {"count": N}: as many nodes and pods that are nothing to ours.
  http::ServerReply make_crowd(const std::string& body) {
    const auto wanted = base::parse_json(body);
    const auto count = wanted ? base::integer_member(*wanted, "count").value_or(0) : 0;
    for (std::int64_t i = 0; i < std::min<std::int64_t>(count, 100000); ++i) {
      const std::string name = "crowd-" + std::to_string(i);
      kubernetes_.add_node(name, 110);
      kubernetes_.put_pod("crowd", name, name);
    }
    return {200, "application/json", "{}", {}};
  }

  void release() {
    ec2_.release_unanswered();
    for (auto& [id, face] : imds_) {
      face->release_unanswered();
    }
  }

  Options options_;
  Fabric fabric_;
  base::SystemClock clock_;
  event::Loop loop_;
  vpc::Model model_;
  vpc::Ec2Face ec2_;
  vpc::KubernetesFace kubernetes_;
  vpc::ResourceController controller_{model_, kubernetes_};
  vpc::Control control_;
  http::Server imds_server_;
  http::Server kubernetes_server_;
  http::Server control_server_;
  std::map<net::InstanceId, linux::Netns> nodes_;
  std::map<net::InstanceId, std::unique_ptr<vpc::ImdsFace>> imds_;
  event::Registration next_;
};

Result<> run(const Options& options) {
  VPCCNI_TRY(auto model, model_options(options));
  VPCCNI_TRY(auto fabric,
             Fabric::open(options.fabric, options.internet, Lab::vpc_cidrs(options.ipv6)));
  return Lab(options, std::move(model), std::move(fabric)).run();
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  const auto options = parse_options({argv + 1, argv + argc});
  if (!options) {
    std::cerr << "vpc-lab: " << options.error().message << "\n";
    return 2;
  }
  if (const auto done = run(*options); !done) {
    std::cerr << "vpc-lab: " << done.error().message << "\n";
    return 1;
  }
  return 0;
}
