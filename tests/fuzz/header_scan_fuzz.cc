// Header sections of hostile messages: whole and split the scan must find the same; and the trace
// fields that are put before such a message stay fields, whatever the client called itself. The
// first byte seeds the splits; the first line is also used as HELO, the second as recipient.
#include <algorithm>
#include <cstdint>
#include <string>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/base/random.h"
#include "gateway/mail/header_scan.h"
#include "gateway/mail/trace_header.h"

namespace ringpost::mail {
namespace {

void CheckSame(const HeaderSummary& a, const HeaderSummary& b) {
  RP_CHECK(a.has_date == b.has_date && a.has_message_id == b.has_message_id &&
           a.from_count == b.from_count && a.from == b.from && a.from_cut == b.from_cut);
  RP_CHECK(a.received_count == b.received_count && a.delivered_to_count == b.delivered_to_count);
  RP_CHECK(a.header_bytes == b.header_bytes && a.has_separator == b.has_separator);
  RP_CHECK(a.truncated == b.truncated && a.mailbox_line_bytes == b.mailbox_line_bytes);
  RP_CHECK(a.message_id == b.message_id);
}

// Fields of CRLF lines, continuations indented, nothing but printable characters and, under UTF8,
// UTF-8.
void CheckFields(std::string_view fields, bool utf8) {
  while (!fields.empty()) {
    size_t end = fields.find("\r\n");
    RP_CHECK(end != std::string_view::npos && end <= 998 && end > 0);
    for (char c : fields.substr(0, end)) {
      auto byte = static_cast<uint8_t>(c);
      RP_CHECK((byte >= 0x20 && byte != 0x7F) || byte == '\t');
      RP_CHECK(byte < 0x80 || utf8);
    }
    RP_CHECK(fields[0] == '\t' || fields.substr(0, end).find(": ") != std::string_view::npos);
    RP_CHECK(fields.substr(0, end).find_first_not_of(" \t") != std::string_view::npos);
    fields.remove_prefix(end + 2);
  }
}

}  // namespace
}  // namespace ringpost::mail

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ringpost;
  using namespace ringpost::mail;
  if (size == 0) return 0;
  std::string_view message(reinterpret_cast<const char*>(data) + 1, size - 1);
  SliceChain whole, split;
  whole.Append(Slice::Static(message));
  Random random(data[0]);
  for (std::string_view rest = message; !rest.empty();) {
    size_t count = data[0] == 0 ? 1 : 1 + random.Below(rest.size());
    split.Append(Slice::Copy(rest.substr(0, count)));
    rest.remove_prefix(count);
  }
  HeaderSummary found = ScanHeaders(whole);
  CheckSame(found, ScanHeaders(split));
  RP_CHECK(found.header_bytes <= message.size() &&
           found.header_bytes <= limits::kHeaderSectionBytesMax);
  RP_CHECK(found.message_id.size() <= 998 && found.message_id.find('\n') == std::string::npos);

  TraceInput trace;
  size_t first = std::min(message.find('\n'), message.size());
  std::string_view rest = message.substr(std::min(first + 1, message.size()));
  trace.helo = message.substr(0, first);
  trace.single_recipient = rest.substr(0, rest.find('\n'));
  trace.client = IpAddress::V4(0xC0000201);
  trace.hostname = "gw.example.org";
  bool utf8 = data[0] & 1;
  trace.protocol = utf8 ? "UTF8SMTP" : "ESMTP";
  if (data[0] & 2) {
    trace.tls_version = "TLSv1.2";
    trace.tls_cipher = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256";
  }
  trace.now = WallFromMillis(1764000000000);
  CheckFields(ReceivedField(trace), utf8);
  std::string missing = MissingFields(trace, found);
  if (missing.ends_with("\r\n\r\n")) missing.resize(missing.size() - 2);
  CheckFields(missing, false);
  return 0;
}
