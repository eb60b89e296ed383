// The vectors of spec aws.md section 2.
#include "aws/sigv4.h"

#include <catch2/catch.hpp>

namespace vpccni::aws {
namespace {

struct Vector {
  long long at;  // seconds since the epoch
  const char* region;
  const char* host;
  const char* token;
  const char* body;
  const char* signature;
};

const Vector kVectors[] = {
    {1765972800, "us-west-2", "ec2.us-west-2.amazonaws.com", "",
     "Action=DescribeSubnets&Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-0123456789abcdef0&Filter.2."
     "Name=availability-zone&Filter.2.Value.1=us-west-2a&Version=2016-11-15",
     "870074a355af99ed6378bfed3415058fbdf02f86c96e281cd484d57d723d913e"},
    {1765972800, "us-west-2", "ec2.us-west-2.amazonaws.com",
     "IQoJb3JpZ2luX2VjEXAMPLETOKEN//////////wEaCXVzLXdlc3QtMiJ+a/b==",
     "Action=CreateTags&ResourceId.1=eni-0123456789abcdef0&Tag.1.Key=cluster.k8s.amazonaws.com%"
     "2Fname&Tag.1.Value=my%20cluster&Tag.2.Key=eks%3Aeni%3Aowner&Tag.2.Value=amazon-vpc-cni&"
     "Version=2016-11-15",
     "bf1fa5e3d8222d167cfe7891f5b4a90b7501bf3e0e5b4aee3689e66a416ddb7e"},
    {1767225601, "cn-north-1", "ec2.cn-north-1.amazonaws.com.cn", "TOKEN123",
     "Action=AssignPrivateIpAddresses&Ipv4PrefixCount=1&NetworkInterfaceId=eni-0123456789abcdef0&"
     "Version=2016-11-15",
     "3e2a5dd8ede066ef9e3dd56cdff38e13dee10f7478d3a22cb0062777d3fecb6f"},
    {1765972800, "us-east-1", "127.0.0.1:18080", "",
     "Action=DetachNetworkInterface&AttachmentId=eni-attach-0123456789abcdef0&Version=2016-11-15",
     "dc19662c05ffb2eb8e19c75da3c27e904d6ac006fb7620bdea63e5f2e34c83d3"},
    {1765972800, "us-gov-west-1", "ec2.us-gov-west-1.amazonaws.com", "", "",
     "667112276c7e20d0ff81e657733fd1fbd98f591adb636778fe99aef99251a98f"}};

}  // namespace

TEST_CASE("the published vectors") {
  for (const Vector& vector : kVectors) {
    const Credentials credentials{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                                  vector.token};
    Signable request;
    request.host = vector.host;
    request.body = vector.body;
    const auto headers = sign(request, credentials, vector.region, "ec2",
                              base::WallTime(std::chrono::seconds(vector.at)));
    REQUIRE(headers);
    const std::string proof(http::header(*headers, "authorization"));
    INFO(proof);
    CHECK(proof.ends_with(std::string("Signature=") + vector.signature));
    const bool has_token = proof.find("x-amz-security-token") != std::string::npos;
    CHECK(has_token == (*vector.token != '\0'));
  }
}

}  // namespace vpccni::aws
