#include "cni/failure.h"

#include "base/json.h"

namespace vpccni::cni {

std::string to_json(const Failure& failure) {
  base::OrderedJson out;
  out["code"] = static_cast<int>(failure.code);
  out["msg"] = failure.msg;
  if (!failure.details.empty()) {
    out["details"] = failure.details;
  }
  return base::dump_json(out, 4);
}

}  // namespace vpccni::cni
