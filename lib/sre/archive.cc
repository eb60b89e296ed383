#include "sre/archive.h"

#include <zlib.h>

#include <array>
#include <cstdint>
#include <cstring>

namespace vpccni::sre {

namespace {

constexpr std::size_t kBlock = 512;  // of POSIX's ustar
constexpr std::size_t kNameRoom = 100;
constexpr int kGzip = 16 + MAX_WBITS;

/// Octal digits that fill a field but for its terminating zero.
void put_octal(char* field, std::size_t room, std::uint64_t value) {
  for (std::size_t at = room - 1; at-- > 0; value >>= 3U) {
    field[at] = static_cast<char>('0' + (value & 7U));
  }
}

std::string header_of(const ArchiveFile& file, base::WallTime time) {
  std::array<char, kBlock> block{};
  std::memcpy(block.data(), file.name.data(), file.name.size());
  put_octal(&block[100], 8, 0600);
  put_octal(&block[108], 8, 0);
  put_octal(&block[116], 8, 0);
  put_octal(&block[124], 12, file.text.size());
  put_octal(&block[136], 12,
            static_cast<std::uint64_t>(
                std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count()));
  block[156] = '0';
  std::memcpy(&block[257], "ustar\00000", 8);
  // The sum counts its own field as blanks.
  std::memset(&block[148], ' ', 8);
  std::uint64_t sum = 0;
  for (const char c : block) {
    sum += static_cast<unsigned char>(c);
  }
  put_octal(&block[148], 7, sum);
  return {block.data(), block.size()};
}

Result<std::string> compress(std::string& bytes) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    return Error{Errc::internal, "zlib does not start"};
  }
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(bytes.data());  // NOLINT
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());  // NOLINT
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (result != Z_STREAM_END) {
    return Error{Errc::internal, "zlib does not end"};
  }
  return out;
}

}  // namespace

Result<std::string> make_archive(const std::vector<ArchiveFile>& files, base::WallTime time) {
  std::string bytes;
  for (const auto& file : files) {
    if (file.name.empty() || file.name.size() >= kNameRoom) {
      return Error{Errc::invalid_argument, "no name for an archive: \"" + file.name + "\""};
    }
    bytes += header_of(file, time) + file.text;
    bytes.resize((bytes.size() + kBlock - 1) / kBlock * kBlock, '\0');
  }
  bytes.append(2 * kBlock, '\0');
  return compress(bytes);
}

}  // namespace vpccni::sre
