#pragma once
// RAII for C handles: Owned<rtnl_link, rtnl_link_put> is a pointer that releases itself.

#include <memory>

namespace vpccni::base {

template <auto Fn>
struct CallDeleter {
  template <class T>
  void operator()(T* p) const noexcept {
    (void)Fn(p);
  }
};

template <class T, auto Fn>
using Owned = std::unique_ptr<T, CallDeleter<Fn>>;

}  // namespace vpccni::base
