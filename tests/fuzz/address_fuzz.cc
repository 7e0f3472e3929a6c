// Addresses and domains, strict and lenient; their canonical form; and restrict lists of them.
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/identity/address_list.h"
#include "gateway/smtp/address.h"
#include "gateway/smtp/idna.h"
#include "gateway/smtp/xtext.h"

namespace ringpost::smtp {
namespace {

void Check(std::string_view text) {
  bool accepted[2][2] = {};
  for (bool strict : {false, true}) {
    for (bool utf8 : {false, true}) {
      const auto mailbox = ParseMailbox(text, {strict, utf8});
      accepted[strict][utf8] = mailbox.has_value();
      if (!mailbox) continue;
      RP_CHECK(std::string(mailbox->local_part) + "@" + std::string(mailbox->domain) == text);
      RP_CHECK(!mailbox->local_part.empty() && !mailbox->domain.empty());
      RP_CHECK(mailbox->local_part.size() <= limits::kLocalPartBytesMax);
      RP_CHECK(mailbox->domain.size() <= limits::kDomainBytesMax);
      RP_CHECK(text.size() + 2 <= limits::kPathBytesMax);
      RP_CHECK(utf8 ? IsUtf8(text) : Printable(text, text.size()) == text);
      for (char c : text) RP_CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
      RP_CHECK(mailbox->domain.find('@') == std::string_view::npos);
      const std::string key = DomainKey(mailbox->domain);
      RP_CHECK(!key.empty() && DomainKey(key) == key);
      if (strict) RP_CHECK(IsAddressLiteral(mailbox->domain) || IsDomain(mailbox->domain, utf8));
    }
  }
  // Each rule that is looser accepts what the tighter one does.
  RP_CHECK(!accepted[1][0] || (accepted[0][0] && accepted[1][1]));
  RP_CHECK(!accepted[1][1] || accepted[0][1]);
  RP_CHECK(!accepted[0][0] || accepted[0][1]);
  if (IsDomain(text, false)) {
    RP_CHECK(IsDomain(text, true));
    RP_CHECK(text.size() > 252 || ParseMailbox("a@" + std::string(text), {.strict = true}));
  }
  std::string xtext;
  AppendXtext(&xtext, text);
  RP_CHECK(DecodeXtext(xtext, false) == text);
  if (const auto decoded = DecodeXtext(text, false)) {
    std::string again;
    AppendXtext(&again, *decoded);
    RP_CHECK(DecodeXtext(again, false) == *decoded);
  }
}

// One form, which is its own; a list that has an address or its domain knows it, whatever its form.
void CheckCanonical(std::string_view text) {
  if (const auto domain = CanonicalDomain(text)) RP_CHECK(CanonicalDomain(*domain) == domain);
  const auto address = identity::ListedAddress::From(text);
  RP_CHECK(!address.known || ParseMailbox(text, {.strict = false, .allow_utf8 = true}));
  using identity::ListMode;
  const auto list = identity::AddressList::Make(ListMode::kAllow, {std::string(text)});
  if (!address.known) return;
  RP_CHECK(CanonicalDomain(address.domain) == address.domain);
  RP_CHECK(!list.ok() || list->Allows(address));
  const auto blocked = identity::AddressList::Make(ListMode::kBlock, {address.domain});
  RP_CHECK(!blocked.ok() || !blocked->Allows(address));
}

}  // namespace
}  // namespace ringpost::smtp

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  ringpost::smtp::Check(text);
  ringpost::smtp::CheckCanonical(text);
  return 0;
}
