#include "agent/startup_report.h"

#include <algorithm>
#include <ostream>

#include "base/files.h"
#include "base/log.h"

namespace vpccni::agent {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto kConnectLimit = seconds(2);
constexpr auto kCallLimit = seconds(10);
constexpr auto kSlow = seconds(2);  // a call or step that takes longer is spoken of
constexpr auto kNextWord = seconds(10);
constexpr unsigned kFileMode = 0644;

std::string beside(const std::string& backing_store) {
  const auto slash = backing_store.rfind('/');
  return (slash == std::string::npos ? "" : backing_store.substr(0, slash + 1)) +
         std::string(base::kStartupFileName);
}

class ReportingClient final : public http::Client {
 public:
  ReportingClient(std::unique_ptr<http::Client> inner, StartupReport& report)
      : inner_(std::move(inner)), report_(report) {}

  Result<http::Response> send(const http::Request& request, const std::stop_token& stop) override {
    const auto left = report_.time_left();
    if (!left) {
      return inner_->send(request, stop);
    }
    const std::string what = describe(request);
    if (*left == base::Duration::zero()) {
      return Error{Errc::timeout, what + ": no time is left for this step of the start"};
    }
    auto limited = request;
    limited.timeout = std::min<base::Duration>({request.timeout, kCallLimit, *left});
    limited.connect_timeout = std::min<base::Duration>(request.connect_timeout, kConnectLimit);
    report_.waits_for(what);
    auto answer = inner_->send(limited, stop);
    // 404 is IMDS's way of saying "none".
    const bool refused = answer && answer->status >= 400 && answer->status != 404;
    const Error said{Errc::unavailable,
                     what + ": HTTP " + std::to_string(refused ? answer->status : 0)};
    report_.got(!answer ? &answer.error() : refused ? &said : nullptr);
    return answer;
  }

  Result<http::Response> stream(const http::Request& request, const http::Chunk& chunk,
                                const std::stop_token& stop) override {
    return inner_->stream(request, chunk, stop);
  }

 private:
  std::unique_ptr<http::Client> inner_;
  StartupReport& report_;
};

}  // namespace

StartupReport::StartupReport(const std::string& backing_store, const base::Clock& clock,
                             std::ostream& out)
    : path_(beside(backing_store)), clock_(clock), out_(out), began_(clock.now().steady) {}

std::stop_token StartupReport::begin(int step, int of, std::string_view name) {
  const std::lock_guard lock(state_mutex_);
  const auto now = clock_.now();
  file_ = {step, of, std::string(name), base::log_time(now.wall), 0, "starting", {}, {}};
  began_ = now.steady;
  end_of_waits_ = std::stop_source();
  tell_locked();
  say_locked();
  return end_of_waits_.get_token();
}

void StartupReport::ready() {
  const std::lock_guard lock(state_mutex_);
  file_.state = "ready";
  file_.since = base::log_time(clock_.now().wall);
  file_.waiting.clear();
  file_.error.clear();
  tell_locked();
  say_locked();
}

void StartupReport::failed(const Error& error) {
  const std::lock_guard lock(state_mutex_);
  file_.state = "failed";
  file_.waiting.clear();
  file_.error = error.message;
  tell_locked();
  say_locked();
}

void StartupReport::waits_for(const std::string& what) {
  const std::lock_guard lock(state_mutex_);
  file_.waiting = what;
}

void StartupReport::got(const Error* error) {
  const std::lock_guard lock(state_mutex_);
  if (error != nullptr) {
    file_.error = error->message;  // and it stays what is waited for, until the next call
    tell_locked();
  } else {
    file_.waiting.clear();
    file_.error.clear();
  }
}

std::optional<base::Duration> StartupReport::time_left() const {
  const std::lock_guard lock(state_mutex_);
  if (file_.state != "starting") {
    return std::nullopt;
  }
  return std::max<base::Duration>(began_ + kStepLimit - clock_.now().steady,
                                  base::Duration::zero());
}

void StartupReport::tick() {
  const std::lock_guard lock(state_mutex_);
  if (file_.state != "starting") {
    return;
  }
  const auto now = clock_.now().steady;
  if (now - began_ >= kWaitLimit) {
    end_of_waits_.request_stop();
  }
  tell_locked();
  const bool slow = now - began_ >= kSlow;
  if (slow && (told_ == began_ || now - told_ >= kNextWord)) {
    say_locked();
  }
}

void StartupReport::tick_by_itself() {
  ticker_ = std::jthread([this](const std::stop_token& stop) {
    while (time_left() && clock_.wait_for(seconds(1), stop)) {
      tick();
    }
  });
}

void StartupReport::tell_locked() {
  if (file_.state != "ready") {
    file_.elapsed_ms =
        std::chrono::duration_cast<milliseconds>(clock_.now().steady - began_).count();
  }
  (void)base::replace_file(path_, base::format_startup(file_), kFileMode);
}

void StartupReport::say_locked() {
  told_ = file_.elapsed_ms == 0 ? began_ : clock_.now().steady;
  out_ << "vpccni agent: start-up " << to_sentence(file_) << std::endl;
}

std::unique_ptr<http::Client> reporting_client(std::unique_ptr<http::Client> inner,
                                               StartupReport& report) {
  return std::make_unique<ReportingClient>(std::move(inner), report);
}

std::string describe(const http::Request& request) {
  const std::string place = request.url.substr(0, request.url.find('?'));
  constexpr std::string_view kAction = "Action=";
  if (!request.body.starts_with(kAction)) {
    return request.method + " " + place;
  }
  const auto action = request.body.substr(kAction.size());
  return action.substr(0, action.find('&')) + " at " + place;
}

}  // namespace vpccni::agent
