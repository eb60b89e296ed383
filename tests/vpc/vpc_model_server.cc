// vpc-model-server: the VPC model with its faces as a program of its own.
// usage: vpc-model-server [--ec2 ADDR:PORT] [--control ADDR:PORT] [--imds INSTANCE=ADDR:PORT]...
//          [--instances N] [--type TYPE] [--seed N] [--region REGION] [--no-lag] [--allow-imds-v1]
//          [--scattered]
// INSTANCE is a number from 0 or an instance id. Without --imds every instance gets a face at a
// port of its own on 127.0.0.1. Prints one line of JSON with the bound addresses when ready; ends
// on SIGTERM or SIGINT.

#include <algorithm>
#include <csignal>
#include <iostream>
#include <map>

#include "base/json.h"
#include "tests/vpc/control.h"
#include "tests/vpc/ec2_face.h"
#include "tests/vpc/imds_face.h"
#include "tests/vpc/topology.h"

namespace {

using namespace vpccni;
using namespace vpccni::vpc;

struct Options {
  std::string ec2 = "127.0.0.1:0";
  std::string control = "127.0.0.1:0";
  std::vector<std::pair<std::string, std::string>> imds;
  int instances = 1;
  std::string type = "m5.large";
  bool allow_imds_v1 = false;
  ModelOptions model;
};

struct Address {
  std::string host;
  int port = 0;
};

Result<Address> parse_address(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) {
    return Error{Errc::invalid_argument, "ADDR:PORT expected, got \"" + text + "\""};
  }
  VPCCNI_TRY(const int port, base::parse_integer<int>(text.substr(colon + 1)));
  return Address{text.substr(0, colon), port};
}

Result<> set_option(Options& options, const std::string& name, const std::string& value) {
  if (name == "--ec2") {
    options.ec2 = value;
  } else if (name == "--control") {
    options.control = value;
  } else if (name == "--type") {
    options.type = value;
  } else if (name == "--region") {
    options.model.region = value;
  } else if (name == "--instances") {
    VPCCNI_TRY(options.instances, base::parse_integer<int>(value));
  } else if (name == "--seed") {
    VPCCNI_TRY(options.model.seed, base::parse_integer<std::uint64_t>(value));
  } else if (const auto equals = value.find('='); name == "--imds" && equals != std::string::npos) {
    options.imds.emplace_back(value.substr(0, equals), value.substr(equals + 1));
  } else {
    return Error{Errc::invalid_argument, "unknown option " + name + " " + value};
  }
  return {};
}

Result<Options> parse_options(const std::vector<std::string>& arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const auto& name = arguments[i];
    if (name == "--no-lag") {
      options.model.lags = Lags::none();
    } else if (name == "--allow-imds-v1") {
      options.allow_imds_v1 = true;
    } else if (name == "--scattered") {
      options.model.scattered = true;
    } else if (i + 1 < arguments.size()) {
      VPCCNI_CHECK(set_option(options, name, arguments[++i]));
    } else {
      return Error{Errc::invalid_argument, name + " needs a value, or is unknown"};
    }
  }
  return options;
}

class Program {
 public:
  explicit Program(Options options)
      : options_(std::move(options)),
        model_(options_.model),
        ec2_(loop_, model_, clock_),
        control_(loop_, model_, clock_,
                 {[this](const auto& id, const auto& address) { return open_imds(id, address); },
                  [this] { release(); }}) {}

  Result<> run() {
    base::Json ready;
    VPCCNI_TRY(ready["ec2"], listen(ec2_, options_.ec2));
    VPCCNI_TRY(ready["control"], listen(control_, options_.control));
    VPCCNI_CHECK(make_instances(ready));
    const auto term = loop_.on_signal(SIGTERM, [this] { loop_.stop(); });
    const auto interrupt = loop_.on_signal(SIGINT, [this] { loop_.stop(); });
    std::cout << base::dump_json(ready) << std::endl;
    loop_.run();
    return {};
  }

 private:
  template <class Face>
  static Result<std::string> listen(Face& face, const std::string& where) {
    VPCCNI_TRY(const auto address, parse_address(where));
    VPCCNI_TRY(const int port, face.listen(address.host, address.port));
    return address.host + ":" + std::to_string(port);
  }

  Result<std::string> open_imds(const net::InstanceId& id, const std::string& where) {
    auto face = std::make_unique<ImdsFace>(loop_, model_, clock_, id,
                                           ImdsFaceOptions{.allow_v1 = options_.allow_imds_v1});
    VPCCNI_TRY(auto bound, listen(*face, where));
    imds_.push_back(std::move(face));
    return bound;
  }

  Result<> make_instances(base::Json& ready) {
    const auto topology = default_topology(model_, clock_.now());
    ready["vpc"] = to_string(topology.vpc);
    ready["region"] = model_.options().region;
    ready["access_key"] = topology.key.id;
    ready["secret_key"] = topology.key.secret;
    ready["instances"] = base::Json::array();
    for (int i = 0; i < options_.instances; ++i) {
      NewInstance wanted{.type = options_.type, .subnet = topology.subnets.front()};
      wanted.groups = {topology.nodes};
      VPCCNI_TRY(const auto instance, model_.run_instance(wanted, clock_.now()));
      const auto asked =
          std::find_if(options_.imds.begin(), options_.imds.end(), [&](const auto& imds) {
            return imds.first == std::to_string(i) || imds.first == to_string(instance.id);
          });
      VPCCNI_TRY(
          const auto imds,
          open_imds(instance.id, asked == options_.imds.end() ? "127.0.0.1:0" : asked->second));
      ready["instances"].push_back({{"id", to_string(instance.id)},
                                    {"imds", imds},
                                    {"mac", to_string(instance.primary_mac)},
                                    {"address", to_string(instance.address)},
                                    {"primary_eni", to_string(instance.primary_eni)}});
    }
    return {};
  }

  void release() {
    ec2_.release_unanswered();
    for (auto& face : imds_) {
      face->release_unanswered();
    }
  }

  Options options_;
  base::SystemClock clock_;
  event::Loop loop_;
  Model model_;
  Ec2Face ec2_;
  Control control_;
  std::vector<std::unique_ptr<ImdsFace>> imds_;
};

}  // namespace

int main(int argc, char** argv) {
  const auto options = parse_options({argv + 1, argv + argc});
  if (!options) {
    std::cerr << "vpc-model-server: " << options.error().message << "\n";
    return 2;
  }
  Program program(*options);
  if (const auto done = program.run(); !done) {
    std::cerr << "vpc-model-server: " << done.error().message << "\n";
    return 1;
  }
  return 0;
}
