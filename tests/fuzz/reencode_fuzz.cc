// Re-encoding of hostile MIME: what comes out is 7-bit in clean lines, comes out the same when it
// is encoded once more, and decodes to what went in as far as a single part can show.
#include <cstdint>
#include <optional>
#include <string>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/mail/content_encoding.h"
#include "gateway/mail/downgrade.h"
#include "gateway/mail/mime_entity.h"

namespace ringpost::mail {
namespace {

int Hex(char c) { return c <= '9' ? c - '0' : c - 'A' + 10; }

std::string DecodeQuotedPrintable(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=') {
      out.push_back(text[i]);
    } else if (text.substr(i).starts_with("=\r\n")) {
      i += 2;
    } else {
      RP_CHECK(i + 2 < text.size());
      out.push_back(static_cast<char>(Hex(text[i + 1]) * 16 + Hex(text[i + 2])));
      i += 2;
    }
  }
  return out;
}

std::string DecodeBase64(std::string_view text) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  uint32_t group = 0;
  int bits = 0;
  for (char c : text) {
    size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) continue;
    group = group << 6 | static_cast<uint32_t>(value);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out.push_back(static_cast<char>(group >> bits & 0xFF));
  }
  return out;
}

void CheckLines(std::string_view encoded) {
  for (size_t at = 0; at < encoded.size();) {
    size_t end = encoded.find("\r\n", at);
    if (end == std::string_view::npos) end = encoded.size();
    RP_CHECK(end - at <= 76);
    RP_CHECK(!encoded.substr(at).starts_with("--"));
    at = end + 2;
  }
}

// What is decided of a message by its needs and what the hop lacks; all of both are tried.
void CheckDecisions(bool body_8bit, bool reencodes) {
  using Kind = DowngradeVerdict::Kind;
  for (unsigned bits = 0; bits < 256; ++bits) {
    MessageNeeds needs;
    needs.body_8bit = body_8bit;
    needs.header_8bit = bits & 1;
    needs.smtputf8 = bits & 2;
    needs.utf8_address = bits & 4;
    needs.declared = static_cast<smtp::BodyType>((bits >> 3 & 3) % 3);
    smtp::Capabilities hop;
    hop.smtputf8 = bits & 32;
    hop.eight_bit_mime = bits & 64;
    hop.binarymime = hop.chunking = bits & 128;
    DowngradeVerdict verdict = DecideDowngrade(needs, hop);
    bool utf8 = needs.utf8_address || (needs.smtputf8 && needs.header_8bit);
    RP_CHECK((verdict.kind == Kind::kRefuse) == (utf8 && !hop.smtputf8));
    RP_CHECK(verdict.kind != Kind::kRefuse || verdict.refusal.code >= 500);
    if (verdict.kind != Kind::kAsIs) continue;
    RP_CHECK(!body_8bit || hop.eight_bit_mime || hop.binarymime || reencodes);
  }
}

}  // namespace
}  // namespace ringpost::mail

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ringpost::mail;
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  std::string quoted, base64;
  AppendQuotedPrintable(bytes, &quoted);
  AppendBase64(bytes, &base64);
  RP_CHECK(DecodeQuotedPrintable(quoted) == bytes && DecodeBase64(base64) == bytes);
  RP_CHECK(InspectContent(quoted).seven_bit() && InspectContent(base64).seven_bit());
  CheckLines(quoted);
  CheckLines(base64);

  std::optional<std::string> encoded = Reencode(bytes);
  CheckDecisions(!InspectContent(bytes).seven_bit(), encoded.has_value());
  if (!encoded) return 0;
  std::optional<MimeEntity> before = ParseEntity(bytes);
  std::optional<MimeEntity> after = ParseEntity(*encoded);
  RP_CHECK(before && after && before->type == after->type && before->boundary == after->boundary);
  ContentTraits traits = InspectContent(after->body);
  RP_CHECK(traits.high_bytes == 0 && !traits.nul && !traits.bare_newline);
  RP_CHECK(Reencode(*encoded) == *encoded);
  if (before->type == "multipart") return 0;
  if (after->encoding == before->encoding || after->encoding == TransferEncoding::k7Bit) {
    RP_CHECK(after->body == before->body);
  } else if (after->encoding == TransferEncoding::kBase64) {
    RP_CHECK(DecodeBase64(after->body) == before->body);
  } else {
    RP_CHECK(DecodeQuotedPrintable(after->body) == before->body);
  }
  return 0;
}
