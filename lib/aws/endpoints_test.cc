#include "aws/endpoints.h"

#include <catch2/catch.hpp>

namespace vpccni::aws {

TEST_CASE("endpoints by rule") {
  struct Row {
    const char* region;
    bool fips, dual;
    const char* url;
  };
  const Row rows[] = {{"us-west-2", false, false, "https://ec2.us-west-2.amazonaws.com"},
                      {"us-west-2", false, true, "https://ec2.us-west-2.api.aws"},
                      {"us-west-2", true, false, "https://ec2-fips.us-west-2.amazonaws.com"},
                      {"us-gov-west-1", true, false, "https://ec2.us-gov-west-1.amazonaws.com"},
                      {"us-gov-west-1", true, true, "https://ec2-fips.us-gov-west-1.api.aws"},
                      {"cn-north-1", false, false, "https://ec2.cn-north-1.amazonaws.com.cn"},
                      {"us-iso-east-1", false, false, "https://ec2.us-iso-east-1.c2s.ic.gov"},
                      {"us-isob-east-1", false, true, "https://ec2.us-isob-east-1.api.aws.scloud"},
                      {"eusc-de-east-1", false, false, "https://ec2.eusc-de-east-1.amazonaws.eu"},
                      {"xx-foo-9", false, false, "https://ec2.xx-foo-9.amazonaws.com"}};
  for (const Row& row : rows) {
    CHECK(*service_endpoint("ec2", row.region, {{}, row.fips, row.dual}) == row.url);
  }
  CHECK_FALSE(service_endpoint("ec2", "evil.example/", {}));
  CHECK_FALSE(service_endpoint("ec2", "", {}));
}

TEST_CASE("an explicit endpoint wins over the switches") {
  CHECK(*service_endpoint("ec2", "us-west-2", {"http://localhost:8080", true, true}) ==
        "http://localhost:8080");
  CHECK_FALSE(service_endpoint("ec2", "us-west-2", {"localhost:8080", false, false}));
}

TEST_CASE("URLs for signing") {
  CHECK(split_url("https://Host:443/p")->authority == "host");
  CHECK(split_url("http://127.0.0.1:18080")->authority == "127.0.0.1:18080");
  CHECK(split_url("http://h")->path == "/");
  CHECK_FALSE(split_url("ftp://h"));
  CHECK_FALSE(split_url("http://"));
  CHECK_FALSE(split_url("http://user@host/"));
}

TEST_CASE("which FIPS endpoints AWS lists") {
  CHECK(lists_fips_endpoint("ec2", "us-east-1"));
  CHECK(lists_fips_endpoint("sts", "us-west-2"));
  CHECK(lists_fips_endpoint("ec2", "ca-west-1"));
  CHECK_FALSE(lists_fips_endpoint("sts", "ca-west-1"));
  CHECK_FALSE(lists_fips_endpoint("ec2", "eu-central-1"));
  CHECK(lists_fips_endpoint("sts", "us-gov-west-1"));
}

}  // namespace vpccni::aws
