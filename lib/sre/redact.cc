#include "sre/redact.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/text.h"

namespace vpccni::sre {

namespace {

constexpr std::array<std::string_view, 8> kWords = {
    "token", "secret", "password", "passwd", "signature", "authorization", "credential", "apikey"};
constexpr std::size_t kKeyId = 20;     // AKIA and 16 more
constexpr std::size_t kLeastJwt = 20;  // "eyJ…"

bool in_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
}
bool in_jwt(char c) {
  return in_word(c) || c == '.';
}
bool between(char c) {
  return c == ' ' || c == ':' || c == '=' || c == '"' || c == '\\' || c == '\'' || c == '\t';
}

template <class Test>
std::size_t run_of(std::string_view text, Test test) {
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), test) - text.begin());
}

/// Bytes of a secret that stands at the beginning by its own form; 0 = none.
std::size_t secret_at(std::string_view text) {
  const auto word = run_of(text, in_word);
  const bool key_id = (text.starts_with("AKIA") || text.starts_with("ASIA")) && word == kKeyId;
  if (key_id) {
    return kKeyId;
  }
  const auto jwt = run_of(text, in_jwt);
  return text.starts_with("eyJ") && jwt >= kLeastJwt ? jwt : 0;
}

bool names_secret(std::string_view word) {
  const auto lower = base::to_lower(word);
  return std::any_of(kWords.begin(), kWords.end(),
                     [&](std::string_view each) { return lower.find(each) != std::string::npos; });
}

/// The value behind a word that names a secret, to the end of its quotes, line or word.
std::size_t value_length(std::string_view text, bool quoted) {
  return run_of(text, [&](char c) {
    return c != '\n' && c != '"' && (quoted || (c != ',' && c != '}' && c != '&'));
  });
}

}  // namespace

std::string redact(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (!in_word(text[at])) {
      out += text[at++];
      continue;
    }
    if (const auto secret = secret_at(text.substr(at)); secret > 0) {
      out += "***";
      at += secret;
      continue;
    }
    const auto word = text.substr(at, run_of(text.substr(at), in_word));
    out += word;
    at += word.size();
    const auto rest = text.substr(at);
    const auto gap = run_of(rest, between);
    const auto separator = rest.substr(0, gap);
    const bool assigned = separator.find_first_of(":=") != std::string_view::npos;
    if (!names_secret(word) || !assigned) {
      continue;
    }
    out += separator;
    at += gap;
    const auto length = value_length(text.substr(at), separator.ends_with('"'));
    if (length > 0) {
      out += "***";
      at += length;
    }
  }
  return out;
}

}  // namespace vpccni::sre
