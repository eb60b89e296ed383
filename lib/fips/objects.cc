#include "fips/objects.h"

#include <link.h>

#include "base/files.h"
#include "base/text.h"
#include "crypto/digest.h"

namespace vpccni::fips {

namespace {

constexpr std::size_t kFileLimit = std::size_t{64} << 20U;

int collect(dl_phdr_info* info, std::size_t /*size*/, void* into) {
  if (info->dlpi_name != nullptr && *info->dlpi_name != '\0') {
    static_cast<std::vector<std::string>*>(into)->emplace_back(info->dlpi_name);
  }
  return 0;
}

}  // namespace

std::vector<std::string> loaded_objects() {
  std::vector<std::string> out;
  dl_iterate_phdr(collect, &out);
  return out;
}

std::string_view file_name(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string object_named(const std::vector<std::string>& objects, std::string_view prefix) {
  for (const auto& object : objects) {
    if (file_name(object).starts_with(prefix)) {
      return object;
    }
  }
  return "";
}

Result<std::string> hash_file(const std::string& path) {
  VPCCNI_TRY(const auto bytes, base::read_file(path, kFileLimit));
  VPCCNI_TRY(const auto digest, crypto::sha256(bytes));
  return base::hex(digest);
}

}  // namespace vpccni::fips
