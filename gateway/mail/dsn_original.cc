#include "gateway/mail/dsn_original.h"

#include <algorithm>
#include <optional>

#include "gateway/base/limits.h"
#include "gateway/base/slice.h"
#include "gateway/base/text.h"
#include "gateway/base/wipe.h"
#include "gateway/mail/content_encoding.h"
#include "gateway/mail/downgrade.h"
#include "gateway/mail/header_scan.h"

namespace ringpost::mail {
namespace {

void EndLine(std::string* text) {
  if (text->ends_with("\r\n")) return;
  ReserveWiped(text, text->size() + 2);
  text->append("\r\n");
}

// Fit to stand in a report as it is: whole lines and, unless the report is UTF-8, ASCII.
bool IsClean(std::string_view text, bool utf8) {
  ContentTraits traits = InspectContent(text);
  if (traits.nul || traits.bare_newline || traits.long_line) return false;
  return traits.high_bytes == 0 || utf8;
}

// The header section without its empty line, cut at a line where it is too long.
std::string_view HeaderSection(std::string_view original) {
  SliceChain chain;
  chain.Append(Slice::Static(original));
  HeaderSummary summary = ScanHeaders(chain);
  std::string_view header = original.substr(0, summary.header_bytes);
  if (summary.has_separator) {
    header.remove_suffix(header.ends_with("\r\n") ? 2 : 1);
  }
  if (header.size() <= limits::kReportHeaderBytesMax) return header;
  size_t line_end = header.rfind('\n', limits::kReportHeaderBytesMax - 1);
  return header.substr(0, line_end == std::string_view::npos ? 0 : line_end + 1);
}

std::optional<ReturnedOriginal> All(const DsnInput& input) {
  if (!input.return_full || input.original.size() > limits::kReportReturnBytesMax)
    return std::nullopt;
  if (IsClean(input.original, input.smtputf8)) {
    ReturnedOriginal all{input.smtputf8 ? "message/global" : "message/rfc822",
                         input.smtputf8 ? "8bit" : "7bit", std::string(input.original), true};
    EndLine(&all.content);
    return all;
  }
  // message/rfc822 itself may not be encoded (RFC 2046 section 5.2.1), but what is in it may.
  std::optional<std::string> encoded = Reencode(input.original);
  if (!encoded) return std::nullopt;
  if (!IsClean(*encoded, false)) {
    WipeString(&*encoded);
    return std::nullopt;
  }
  EndLine(&*encoded);
  return ReturnedOriginal{"message/rfc822", "7bit", std::move(*encoded), true};
}

}  // namespace

ReturnedOriginal MakeReturnedOriginal(const DsnInput& input) {
  if (std::optional<ReturnedOriginal> all = All(input)) return std::move(*all);
  std::string_view header = HeaderSection(input.original);
  ReturnedOriginal part{"text/rfc822-headers", "7bit", {}};
  if (IsClean(header, false)) {
    part.content = header;
  } else if (input.smtputf8 && IsClean(header, true) && IsUtf8(header)) {
    part = {"message/global-headers", "8bit", std::string(header)};
  } else {
    part.encoding = "quoted-printable";
    part.content.reserve(QuotedPrintableBytesMax(header.size()));
    AppendQuotedPrintable(header, &part.content);
  }
  EndLine(&part.content);
  return part;
}

}  // namespace ringpost::mail
