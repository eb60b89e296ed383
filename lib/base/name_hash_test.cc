#include "base/name_hash.h"

#include <catch2/catch.hpp>

namespace vpccni::base {

// FIPS 180-4 examples and the one-million-a message of the same series.
TEST_CASE("sha1 for names gives the published digests") {
  CHECK(sha1_name_hex("") == "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  CHECK(sha1_name_hex("abc") == "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(sha1_name_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
  CHECK(sha1_name_hex(std::string(1'000'000, 'a')) == "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

TEST_CASE("sha512 for names gives the published digests") {
  CHECK(sha512_name_hex("") ==
        "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
        "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e");
  CHECK(sha512_name_hex("abc") ==
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
  CHECK(sha512_name_hex("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                        "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu") ==
        "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018"
        "501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909");
}

TEST_CASE("digests agree at every length around a block border") {
  // 55/56 and 111/112 are where the length no longer fits the block of the last byte.
  CHECK(sha1_name_hex(std::string(55, 'x')) == "cef734ba81a024479e09eb5a75b6ddae62e6abf1");
  CHECK(sha1_name_hex(std::string(56, 'x')) == "901305367c259952f4e7af8323f480d59f81335b");
  CHECK(sha1_name_hex(std::string(64, 'x')) == "bb2fa3ee7afb9f54c6dfb5d021f14b1ffe40c163");
  CHECK(sha512_name_hex(std::string(111, 'x')) ==
        "9a2a120825c2319867758ec277924f6faa254968bf752046dacdd948d8ad299b"
        "10359fd04bfd7d3810b5fa1b16a294236138baff981cbb85248478053ac4d3dd");
  CHECK(sha512_name_hex(std::string(112, 'x')) ==
        "a3722b515ef40c910f2419f6e0da8ca51d410114ce6272faae64045f9e9f630e"
        "7fa8dd5a3243c9860b899d148c3da4bc0f9e07454542604d030bb55531fe0d5b");
}

}  // namespace vpccni::base
