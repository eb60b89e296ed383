#include "tests/bench/pool/fibers.h"

#include <ucontext.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace vpccni::pool {

namespace {

constexpr std::size_t kStackBytes = std::size_t{128} << 10U;  // touched pages only are real

struct Ended {};  // thrown into a waiting fiber to unwind it

Fibers* entering = nullptr;  // makecontext passes no pointers

}  // namespace

struct Fibers::Fiber {
  ucontext_t context{};
  std::unique_ptr<char[]> stack;  // NOLINT(modernize-avoid-c-arrays): not to be initialised
  std::function<void()> work;
  bool busy = false;
  void* fake_stack = nullptr;  // the sanitizer's
  const void* bottom = nullptr;
  std::size_t size = 0;
};

namespace {

void before_switch([[maybe_unused]] void** fake, [[maybe_unused]] const void* bottom,
                   [[maybe_unused]] std::size_t size) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(fake, bottom, size);
#endif
}

void after_switch([[maybe_unused]] void* fake, [[maybe_unused]] const void** bottom,
                  [[maybe_unused]] std::size_t* size) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fake, bottom, size);
#endif
}

}  // namespace

Fibers::Fibers(sim::Timeline& time) : time_(time), outside_(std::make_unique<Fiber>()) {}

Fibers::~Fibers() {
  ending_ = true;
  for (const auto& fiber : all_) {
    if (fiber->busy) {
      resume(*fiber);
    }
  }
}

void Fibers::start(std::function<void()> work) {
  if (idle_.empty()) {
    all_.push_back(std::make_unique<Fiber>());
    all_.back()->stack.reset(new char[kStackBytes]);
    idle_.push_back(all_.back().get());
  }
  Fiber& fiber = *idle_.back();
  idle_.pop_back();
  fiber.work = std::move(work);
  fiber.busy = true;
  ::getcontext(&fiber.context);
  fiber.bottom = fiber.context.uc_stack.ss_sp = fiber.stack.get();
  fiber.size = fiber.context.uc_stack.ss_size = kStackBytes;
  fiber.context.uc_link = nullptr;
  ::makecontext(&fiber.context, &Fibers::enter, 0);
  time_.after({}, [this, &fiber] { resume(fiber); });
}

void Fibers::enter() {
  Fibers& self = *entering;
  Fiber& fiber = *self.current_;
  after_switch(nullptr, &self.outside_->bottom, &self.outside_->size);
  if (!self.ending_) {
    try {
      fiber.work();
    } catch (const Ended&) {  // NOLINT(bugprone-empty-catch): unwound, as wanted
    }
  }
  fiber.work = nullptr;
  fiber.busy = false;
  self.idle_.push_back(&fiber);
  self.leave(fiber, true);
}

void Fibers::resume(Fiber& fiber) {
  entering = this;
  current_ = &fiber;
  before_switch(&outside_->fake_stack, fiber.bottom, fiber.size);
  ::swapcontext(&outside_->context, &fiber.context);
  after_switch(outside_->fake_stack, nullptr, nullptr);
  current_ = nullptr;
}

void Fibers::leave(Fiber& fiber, bool for_good) {
  before_switch(for_good ? nullptr : &fiber.fake_stack, outside_->bottom, outside_->size);
  ::swapcontext(&fiber.context, &outside_->context);
  after_switch(fiber.fake_stack, &outside_->bottom, &outside_->size);
}

void Fibers::wait(base::Duration how_long) {
  Fiber& fiber = *current_;
  if (!ending_) {
    time_.after(how_long, [this, &fiber] { resume(fiber); });
    leave(fiber, false);
  }
  if (ending_) {
    throw Ended{};
  }
}

}  // namespace vpccni::pool
