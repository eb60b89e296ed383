// vpccni probe: asks a gRPC server for its health; called by the kubelet and by the entrypoint
// under the name grpc-health-probe. Flags, exit codes and messages are upstream's; messages are log
// lines on stderr, stdout stays empty.

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>

#include "base/log.h"
#include "base/text.h"
#include "cmd/command.h"
#include "cmd/version.h"
#include "rpc/client.h"
#include "rpc/wire.pb.h"

namespace vpccni::cmd {

namespace {

constexpr int kInvalidArguments = 1;
constexpr int kConnectionFailure = 2;
constexpr int kRpcFailure = 3;
constexpr int kUnhealthy = 4;

constexpr std::chrono::milliseconds kRetryPause(20);
constexpr std::size_t kMostHeaders = 64;

struct Options {
  std::string address;
  std::string service;
  std::string user_agent = "grpc-health-probe";
  base::Duration connect_timeout = std::chrono::seconds(1);
  base::Duration rpc_timeout = std::chrono::seconds(1);
  std::vector<std::pair<std::string, std::string>> headers;
  bool verbose = false;
  bool version = false;
  bool help = false;
};

struct Unit {
  std::string_view name;
  double ns;
};
constexpr std::array<Unit, 8> kUnits = {{{"ns", 1},
                                         {"us", 1e3},
                                         {"\xc2\xb5s", 1e3},
                                         {"\xce\xbcs", 1e3},
                                         {"ms", 1e6},
                                         {"s", 1e9},
                                         {"m", 6e10},
                                         {"h", 3.6e12}}};

bool is_number_part(char c) {
  return (c >= '0' && c <= '9') || c == '.';
}

/// One "1.5s" of a duration, taken off the front of `text`, in nanoseconds.
std::optional<double> take_part(std::string_view& text) {
  const auto digits = static_cast<std::size_t>(
      std::find_if_not(text.begin(), text.end(), is_number_part) - text.begin());
  const auto letters = static_cast<std::size_t>(
      std::find_if(text.begin() + static_cast<std::ptrdiff_t>(digits), text.end(), is_number_part) -
      text.begin());
  double number = 0;
  const auto [end, ec] =
      std::from_chars(text.data(), text.data() + digits, number, std::chars_format::fixed);
  const std::string_view name = text.substr(digits, letters - digits);
  const auto* const unit =
      std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& u) { return u.name == name; });
  if (ec != std::errc{} || end != text.data() + digits || unit == kUnits.end()) {
    return std::nullopt;
  }
  text.remove_prefix(letters);
  return number * unit->ns;
}

/// Go's duration syntax: "5s", "500ms", "1m30s", "1.5s", "0", with an optional sign.
std::optional<base::Duration> parse_duration(std::string_view text) {
  constexpr double kMost = 9.2e18;
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) {
    text.remove_prefix(1);
  }
  if (text == "0") {
    return base::Duration::zero();
  }
  if (text.empty()) {
    return std::nullopt;
  }
  double ns = 0;
  while (!text.empty()) {
    const auto part = take_part(text);
    if (!part || ns + *part > kMost) {
      return std::nullopt;
    }
    ns += *part;
  }
  return base::Duration(std::llround(negative ? -ns : ns));
}

/// `count` / 10^`digits` without trailing zeros: 1500, 3 -> "1.5".
std::string decimal(std::int64_t count, int digits) {
  std::int64_t scale = 1;
  for (int i = 0; i < digits; ++i) {
    scale *= 10;
  }
  std::string out = std::to_string(count / scale);
  if (count % scale != 0) {
    out += '.' + std::to_string(scale + count % scale).substr(1);
    out.erase(out.find_last_not_of('0') + 1);
  }
  return out;
}

/// As Go prints a duration: "1s", "500ms", "1m30s".
std::string to_text(base::Duration duration) {
  const auto ns = duration.count();
  if (ns < 0) {
    return "-" + to_text(-duration);
  }
  if (ns == 0) {
    return "0s";
  }
  if (ns < 1'000) {
    return std::to_string(ns) + "ns";
  }
  if (ns < 1'000'000) {
    return decimal(ns, 3) + "\xc2\xb5s";
  }
  if (ns < 1'000'000'000) {
    return decimal(ns, 6) + "ms";
  }
  constexpr std::int64_t kMinute = 60'000'000'000;
  const auto minutes = ns / kMinute;
  std::string out = minutes >= 60 ? std::to_string(minutes / 60) + "h" : "";
  out += minutes > 0 ? std::to_string(minutes % 60) + "m" : "";
  return out + decimal(ns % kMinute, 9) + "s";
}

struct Flag {
  std::string_view name;
  std::string_view argument;  // "" for a switch
  std::string_view help;
  bool (*store)(std::string_view value, Options& options);
};

bool store_switch(std::string_view value, bool& to) {
  const auto parsed = base::parse_bool(value);
  to = parsed ? *parsed : to;
  return parsed.has_value();
}

bool store_duration(std::string_view value, base::Duration& to) {
  const auto parsed = parse_duration(value);
  to = parsed.value_or(to);
  return parsed.has_value();
}

bool store_header(std::string_view value, Options& options) {
  const auto colon = value.find(':');
  if (colon == std::string_view::npos || options.headers.size() >= kMostHeaders) {
    return false;
  }
  options.headers.emplace_back(base::to_lower(base::trim(value.substr(0, colon))),
                               base::trim(value.substr(colon + 1)));
  return true;
}

constexpr std::array<Flag, 10> kFlags = {
    {{"addr", "string", "(required) HOST:PORT or unix:PATH to connect to",
      [](std::string_view v, Options& o) { return o.address = v, true; }},
     {"connect-timeout", "duration", "limit for connecting (default 1s)",
      [](std::string_view v, Options& o) { return store_duration(v, o.connect_timeout); }},
     {"h", "", "this text", [](std::string_view v, Options& o) { return store_switch(v, o.help); }},
     {"help", "", "this text",
      [](std::string_view v, Options& o) { return store_switch(v, o.help); }},
     {"rpc-header", "name: value", "further header of the call; may be repeated", store_header},
     {"rpc-timeout", "duration", "limit for the health check call (default 1s)",
      [](std::string_view v, Options& o) { return store_duration(v, o.rpc_timeout); }},
     {"service", "string", "service name to check (default \"\")",
      [](std::string_view v, Options& o) { return o.service = v, true; }},
     {"user-agent", "string", "user-agent header of the call (default \"grpc-health-probe\")",
      [](std::string_view v, Options& o) { return o.user_agent = v, true; }},
     {"v", "", "verbose",
      [](std::string_view v, Options& o) { return store_switch(v, o.verbose); }},
     {"version", "", "print the version",
      [](std::string_view v, Options& o) { return store_switch(v, o.version); }}}};

/// Flags as Go's package flag reads them. The error's message is the one line above the usage.
Result<Options> parse_options(const std::vector<std::string>& args) {
  Options options;
  const auto bad = [](std::string text) { return Error{Errc::invalid_argument, std::move(text)}; };
  for (std::size_t i = 0; i < args.size(); ++i) {
    std::string_view text = args[i];
    if (text.size() < 2 || text[0] != '-' || text == "--") {
      break;  // the rest is ignored, as upstream does
    }
    text.remove_prefix(text[1] == '-' ? 2 : 1);
    if (text.starts_with('-') || text.starts_with('=')) {
      return bad("bad flag syntax: " + args[i].substr(0, 64));
    }
    const auto equals = text.find('=');
    const std::string name(text.substr(0, equals));
    const auto* const flag =
        std::find_if(kFlags.begin(), kFlags.end(), [&](const Flag& f) { return f.name == name; });
    if (flag == kFlags.end()) {
      return bad(name.starts_with("tls")
                     ? "flag -" + name.substr(0, 64) + ": TLS is not supported, only plain text is"
                     : "flag provided but not defined: -" + name.substr(0, 64));
    }
    std::string_view value = "true";
    if (equals != std::string_view::npos) {
      value = text.substr(equals + 1);
    } else if (!flag->argument.empty()) {
      if (++i == args.size()) {
        return bad("flag needs an argument: -" + name);
      }
      value = args[i];
    }
    if (!flag->store(value, options)) {
      return bad("invalid value " + base::json_quote(value.substr(0, 64)) + " for flag -" + name +
                 ": parse error");
    }
  }
  return options;
}

void print_usage(const Invocation& call) {
  call.err << "Usage of " << call.program << ":\n";
  for (const Flag& flag : kFlags) {
    call.err << "  -" << flag.name << (flag.argument.empty() ? "" : " ") << flag.argument
             << "\n    \t" << flag.help << "\n";
  }
}

/// Connects until a server has shown HTTP/2, trying again within the time, as a blocking dial does.
Result<rpc::Channel> connect(const Options& options, const base::Clock& clock) {
  const auto until = clock.now().steady + options.connect_timeout;
  Error last{Errc::timeout, "no time to connect"};
  while (clock.now().steady < until) {
    auto channel = rpc::Channel::open(options.address, until);
    auto ready = channel ? channel->await_server(until) : Result<>(channel.error());
    if (ready) {
      return channel;
    }
    last = std::move(ready).error();
    if (last.code == Errc::invalid_argument) {
      return last;
    }
    clock.wait_until(std::min(until, clock.now().steady + kRetryPause), {});
  }
  return Error{Errc::timeout, last.message, last.cause};
}

/// As Go's gRPC prints a code: "NotFound".
std::string code_name(rpc::Code code) {
  if (code == rpc::Code::ok) {
    return "OK";
  }
  std::string out;
  bool upper = true;
  for (const char c : to_string(code)) {
    if (c != '_') {
      out += upper ? c : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    upper = c == '_';
  }
  return out == "Cancelled" ? "Canceled" : out;
}

int report_failed_call(const rpc::Status& status, const Options& options, const base::Log& log) {
  if (status.code == rpc::Code::unimplemented) {
    log.info(
        "error: this server does not implement the grpc health protocol (grpc.health.v1.Health)");
  } else if (status.code == rpc::Code::deadline_exceeded) {
    log.info("timeout: health rpc did not complete within " + to_text(options.rpc_timeout));
  } else {
    log.info("error: health rpc failed: rpc error: code = " + code_name(status.code) +
             " desc = " + status.message);
  }
  return kRpcFailure;
}

/// What the server says of the service, or what to exit with.
struct Answer {
  int exit = kDone;
  std::string status;  // "SERVING"
};

Answer check(rpc::Channel& channel, const Options& options, const base::Log& log) {
  ::rpc::HealthCheckRequest request;
  request.set_service(options.service);
  const auto reply = channel.call("/grpc.health.v1.Health/Check", request.SerializeAsString(),
                                  {.deadline = options.rpc_timeout,
                                   .user_agent = options.user_agent,
                                   .metadata = options.headers});
  if (!reply && reply.error().code == Errc::invalid_argument) {
    log.info("error: " + reply.error().message);
    return {kInvalidArguments, {}};
  }
  const rpc::Status status =
      reply ? reply->status
            : rpc::Status{reply.error().code == Errc::timeout ? rpc::Code::deadline_exceeded
                                                              : rpc::Code::unavailable,
                          reply.error().message};
  if (status.code != rpc::Code::ok) {
    return {report_failed_call(status, options, log), {}};
  }
  ::rpc::HealthCheckResponse answer;
  if (!answer.ParseFromString(reply->bytes)) {
    const rpc::Status broken{rpc::Code::internal, "reply is no HealthCheckResponse"};
    return {report_failed_call(broken, options, log), {}};
  }
  const std::string name = ::rpc::HealthCheckResponse::ServingStatus_Name(answer.status());
  return {answer.status() == ::rpc::HealthCheckResponse::SERVING ? kDone : kUnhealthy,
          name.empty() ? std::to_string(answer.status()) : name};
}

/// Connects, asks, reports.
int probe(const Options& options, const base::Clock& clock, const base::Log& log) {
  const auto verbose = [&](const std::string& text) {
    if (options.verbose) {
      log.info(text);
    }
  };
  verbose("parsed options:");
  verbose("> remoteUrl=" + options.address + " conn-timeout=" + to_text(options.connect_timeout) +
          " rpc-timeout=" + to_text(options.rpc_timeout));
  verbose("establishing connection");
  const auto start = clock.now().steady;
  auto channel = connect(options, clock);
  if (!channel) {
    const auto address = base::json_quote(options.address);
    if (channel.error().code == Errc::timeout) {
      log.info("timeout: failed to connect service " + address + " within " +
                   to_text(options.connect_timeout),
               {{"error", channel.error().message}});
    } else {
      log.info("error: failed to connect service at " + address + ": " + channel.error().message);
    }
    return kConnectionFailure;
  }
  const auto connected = clock.now().steady;
  verbose("connection established (took " + to_text(connected - start) + ")");
  const Answer answer = check(*channel, options, log);
  if (answer.exit == kUnhealthy) {
    log.info("service unhealthy (responded with " + base::json_quote(answer.status) + ")");
  } else if (answer.exit == kDone) {
    verbose("time elapsed: connect=" + to_text(connected - start) +
            " rpc=" + to_text(clock.now().steady - connected));
    log.info("status: " + answer.status);
  }
  return answer.exit;
}

}  // namespace

int run_probe(const Invocation& call) {
  const auto options = parse_options(call.args);
  if (!options) {
    call.err << options.error().message << "\n";
    print_usage(call);
    return kUsage;
  }
  if (options->help) {
    print_usage(call);
    return kDone;
  }
  if (options->version) {
    call.out << kVersion << "\n";
    return kDone;
  }
  const base::Log log([&call](std::string_view line) { call.err << line << std::flush; },
                      base::Level::info, call.clock);
  const auto refuse = [&log](const std::string& text) {
    log.info("error: " + text);
    return kInvalidArguments;
  };
  if (options->address.empty()) {
    return refuse("--addr not specified");
  }
  for (const auto& [name, value] :
       {std::pair("connect", options->connect_timeout), std::pair("rpc", options->rpc_timeout)}) {
    if (value <= base::Duration::zero()) {
      return refuse("--" + std::string(name) +
                    "-timeout must be greater than zero (specified: " + to_text(value) + ")");
    }
  }
  return probe(*options, call.clock, log);
}

}  // namespace vpccni::cmd
