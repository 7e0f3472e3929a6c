// From fields of hostile messages: each address that is found is one, alone and as it stands; what
// is put around it that means nothing changes nothing; and a field that holds something else beside
// it is never read as that address alone. And whatever stands in a string or in a comment is in no
// way an address.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/mail/from_field.h"
#include "gateway/smtp/address.h"

namespace ringpost::mail {
namespace {

void CheckAlone(const std::string& address) {
  RP_CHECK(smtp::ParseMailbox(address, {.strict = false, .allow_utf8 = true}).has_value());
  for (char c : address) RP_CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
  for (const std::string& field : {address, "<" + address + ">", "Some Name (x) <" + address + "> ",
                                   "Us: " + address + ";", address + " <" + address + ">"}) {
    FromAddresses alone = ReadFromField(field);
    RP_CHECK(alone.addresses.size() == 1 && alone.addresses[0] == address);
  }
  // Beside another that is not the same there are two, or none.
  for (const std::string& field :
       {address + ",x@other.example", "x@other.example <" + address + ">",
        address + " x@other.example", "<" + address + "> <x@other.example>"}) {
    FromAddresses both = ReadFromField(field);
    RP_CHECK(both.addresses.size() != 1 || address == "x@other.example");
  }
}

void Check(std::string_view field) {
  FromAddresses from = ReadFromField(field);
  RP_CHECK((from.problem == FromProblem::kNone) == !from.addresses.empty());
  RP_CHECK(from.addresses.size() <= limits::kFromAddressesMax);
  for (const std::string& address : from.addresses) CheckAlone(address);
  // White space at either end and a comment mean nothing.
  if (from.problem == FromProblem::kTooLong || field.size() + 8 > limits::kFromFieldBytesMax)
    return;
  FromAddresses again = ReadFromField(" (x) " + std::string(field));
  RP_CHECK(again.addresses == from.addresses && again.problem == from.problem);
}

// With a backslash in front of each character that would end it.
std::string Quote(std::string_view text, std::string_view ends) {
  std::string quoted;
  for (char c : text) {
    if (c == '\\' || ends.find(c) != std::string_view::npos) quoted.push_back('\\');
    quoted.push_back(c);
  }
  return quoted;
}

void CheckHidden(std::string_view text) {
  if (2 * text.size() + 100 > limits::kFromFieldBytesMax) return;
  const std::vector<std::string> only = {"a@b.example"};
  RP_CHECK(ReadFromField("(" + Quote(text, "()") + ") a@b.example").addresses == only);
  RP_CHECK(ReadFromField("a@b.example (" + Quote(text, "()") + ")").addresses == only);
  for (unsigned char c : text) {
    if (c < 0x20 || c == 0x7F) return;  // in no string
  }
  RP_CHECK(ReadFromField("\"" + Quote(text, "\"") + "\" <a@b.example>").addresses == only);
}

}  // namespace
}  // namespace ringpost::mail

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view field(reinterpret_cast<const char*>(data), size);
  ringpost::mail::Check(field);
  ringpost::mail::CheckHidden(field);
  return 0;
}
