#include "gateway/smtp/idna.h"

#include <idn2.h>

#include <algorithm>
#include <memory>

#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/smtp/address.h"

namespace ringpost::smtp {
namespace {

struct FreedByIdn {
  void operator()(char* text) const { idn2_free(text); }
};

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

std::optional<std::string> CanonicalDomain(std::string_view domain) {
  if (domain.starts_with('[')) return std::string(domain);
  if (IsAscii(domain)) return DomainKey(domain);
  // The library takes text that ends with a NUL, and no bound.
  if (domain.size() > limits::kDomainBytesMax || !IsUtf8(domain)) return std::nullopt;
  if (domain.find('\0') != std::string_view::npos) return std::nullopt;
  char* found = nullptr;
  std::string input(domain);
  // Not IDN2_USE_STD3_ASCII_RULES: with it the library drops what may not stand in a label, and two
  // names become one. What comes out is looked at instead.
  int result = idn2_to_ascii_8z(input.c_str(), &found, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);
  std::unique_ptr<char, FreedByIdn> owned(found);
  if (result != IDN2_OK) return std::nullopt;
  std::string key = DomainKey(owned.get());
  if (!IsDomain(key, /*allow_utf8=*/false)) return std::nullopt;
  return key;
}

}  // namespace ringpost::smtp
