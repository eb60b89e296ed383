#pragma once
// One EC2 Query request: its parameters by the protocol's naming (spec aws.md 1.2). Remembers what
// was read, so that a parameter that no action knows is found. Bounded; foreign bytes.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tests/vpc/model.h"

namespace vpccni::vpc {

struct Filter {
  std::string name;
  std::vector<std::string> values;
};

class Query {
 public:
  static Result<Query> parse(std::string_view form);

  std::optional<std::string> text(const std::string& name);
  Result<std::string> required(const std::string& name);
  Result<std::optional<int>> number(const std::string& name);
  Result<std::optional<bool>> flag(const std::string& name);
  /// Name.1, Name.2, … in the order of their numbers.
  std::vector<std::string> list(const std::string& name);
  /// The prefixes "Name.1", "Name.2", … of a list of structures.
  std::vector<std::string> items(const std::string& name) const;

  std::vector<Filter> filters();
  Result<aws::Tags> tags(const std::string& prefix);  // <prefix>.N.Key, .Value
  Result<net::EniId> eni(const std::string& name);    // required, checked for its form
  Result<std::vector<net::Ip>> ips(const std::string& name);
  Result<std::vector<net::Cidr>> cidrs(const std::string& name);

  /// A parameter that nobody has read.
  std::optional<std::string> unknown() const;

 private:
  std::map<std::string, std::string> values_;
  std::set<std::string> read_;
};

Result<net::Ip> parse_ip(const std::string& text);      // InvalidParameterValue
Result<net::Cidr> parse_cidr(const std::string& text);  // InvalidParameterValue
/// `prefix` and 8 or 17 hexadecimal digits.
bool is_id(std::string_view text, std::string_view prefix);
/// EC2's filter wildcards: '*' any text, '?' one character.
bool matches(std::string_view pattern, std::string_view text);

}  // namespace vpccni::vpc
