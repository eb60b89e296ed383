#include "base/name_hash.h"

#include <bit>
#include <cstddef>

#include "base/text.h"

namespace vpccni::base {

namespace {

/// FIPS 180-4 padding: a one bit, zeros, and the length in bits as a big-endian number of
/// `length_bytes` at the end of a whole block.
std::string padded(std::string_view text, std::size_t block, std::size_t length_bytes) {
  std::string bytes(text);
  bytes.push_back('\x80');
  while (bytes.size() % block != block - length_bytes) {
    bytes.push_back('\0');
  }
  const std::uint64_t bits = std::uint64_t{text.size()} * 8;
  for (std::size_t i = length_bytes; i-- > 0;) {
    bytes.push_back(i >= 8 ? '\0' : static_cast<char>((bits >> (8 * i)) & 0xffU));
  }
  return bytes;
}

template <class Word>
Word load(std::string_view bytes) {
  Word word = 0;
  for (std::size_t i = 0; i < sizeof(Word); ++i) {
    word = (word << 8U) | static_cast<std::uint8_t>(bytes[i]);
  }
  return word;
}

template <std::size_t Bytes, class Word, std::size_t Words>
std::array<std::uint8_t, Bytes> store(const std::array<Word, Words>& state) {
  std::array<std::uint8_t, Bytes> out{};
  for (std::size_t i = 0; i < Bytes; ++i) {
    const std::size_t shift = 8 * (sizeof(Word) - 1 - i % sizeof(Word));
    out[i] = static_cast<std::uint8_t>(state[i / sizeof(Word)] >> shift);
  }
  return out;
}

void sha1_block(std::array<std::uint32_t, 5>& state, std::string_view block) {
  std::array<std::uint32_t, 80> w{};
  for (std::size_t t = 0; t < 80; ++t) {
    w[t] = t < 16 ? load<std::uint32_t>(block.substr(4 * t))
                  : std::rotl(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
  }
  auto [a, b, c, d, e] = state;
  for (std::size_t t = 0; t < 80; ++t) {
    std::uint32_t f = b ^ c ^ d;
    std::uint32_t k = t < 40 ? 0x6ed9eba1U : 0xca62c1d6U;
    if (t < 20) {
      f = (b & c) | (~b & d);
      k = 0x5a827999U;
    } else if (t >= 40 && t < 60) {
      f = (b & c) | (b & d) | (c & d);
      k = 0x8f1bbcdcU;
    }
    const std::uint32_t next = std::rotl(a, 5) + f + e + k + w[t];
    e = d;
    d = c;
    c = std::rotl(b, 30);
    b = a;
    a = next;
  }
  const std::array<std::uint32_t, 5> sum{a, b, c, d, e};
  for (std::size_t i = 0; i < sum.size(); ++i) {
    state[i] += sum[i];
  }
}

constexpr std::array<std::uint64_t, 80> kSha512Round = {
    0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc,
    0x3956c25bf348b538, 0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118,
    0xd807aa98a3030242, 0x12835b0145706fbe, 0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2,
    0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235, 0xc19bf174cf692694,
    0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
    0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5,
    0x983e5152ee66dfab, 0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4,
    0xc6e00bf33da88fc2, 0xd5a79147930aa725, 0x06ca6351e003826f, 0x142929670a0e6e70,
    0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed, 0x53380d139d95b3df,
    0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
    0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30,
    0xd192e819d6ef5218, 0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8,
    0x19a4c116b8d2d0c8, 0x1e376c085141ab53, 0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8,
    0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373, 0x682e6ff3d6b2b8a3,
    0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
    0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b,
    0xca273eceea26619c, 0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178,
    0x06f067aa72176fba, 0x0a637dc5a2c898a6, 0x113f9804bef90dae, 0x1b710b35131c471b,
    0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc, 0x431d67c49c100d4c,
    0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817};

void sha512_block(std::array<std::uint64_t, 8>& state, std::string_view block) {
  std::array<std::uint64_t, 80> w{};
  for (std::size_t t = 0; t < 80; ++t) {
    if (t < 16) {
      w[t] = load<std::uint64_t>(block.substr(8 * t));
      continue;
    }
    const auto s0 = std::rotr(w[t - 15], 1) ^ std::rotr(w[t - 15], 8) ^ (w[t - 15] >> 7U);
    const auto s1 = std::rotr(w[t - 2], 19) ^ std::rotr(w[t - 2], 61) ^ (w[t - 2] >> 6U);
    w[t] = w[t - 16] + s0 + w[t - 7] + s1;
  }
  auto v = state;
  auto& [a, b, c, d, e, f, g, h] = v;
  for (std::size_t t = 0; t < 80; ++t) {
    const auto s1 = std::rotr(e, 14) ^ std::rotr(e, 18) ^ std::rotr(e, 41);
    const auto t1 = h + s1 + ((e & f) ^ (~e & g)) + kSha512Round[t] + w[t];
    const auto s0 = std::rotr(a, 28) ^ std::rotr(a, 34) ^ std::rotr(a, 39);
    const auto t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + t2;
  }
  for (std::size_t i = 0; i < state.size(); ++i) {
    state[i] += v[i];
  }
}

template <std::size_t N>
std::string hex_of(const std::array<std::uint8_t, N>& digest) {
  return hex({reinterpret_cast<const char*>(digest.data()), digest.size()});  // NOLINT
}

}  // namespace

std::array<std::uint8_t, 20> sha1_name(std::string_view text) {
  std::array<std::uint32_t, 5> state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  const std::string bytes = padded(text, 64, 8);
  for (std::size_t at = 0; at < bytes.size(); at += 64) {
    sha1_block(state, std::string_view(bytes).substr(at, 64));
  }
  return store<20>(state);
}

std::array<std::uint8_t, 64> sha512_name(std::string_view text) {
  std::array<std::uint64_t, 8> state = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b,
                                        0xa54ff53a5f1d36f1, 0x510e527fade682d1, 0x9b05688c2b3e6c1f,
                                        0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};
  const std::string bytes = padded(text, 128, 16);
  for (std::size_t at = 0; at < bytes.size(); at += 128) {
    sha512_block(state, std::string_view(bytes).substr(at, 128));
  }
  return store<64>(state);
}

std::string sha1_name_hex(std::string_view text) {
  return hex_of(sha1_name(text));
}

std::string sha512_name_hex(std::string_view text) {
  return hex_of(sha512_name(text));
}

}  // namespace vpccni::base
