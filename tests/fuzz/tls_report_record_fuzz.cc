// TXT records at _smtp._tls of anybody: each line is one. Whatever comes of them are few places,
// each once, that a report can be sent to and that are what the record says; of two records, none.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/check.h"
#include "gateway/mail/tls_report_limits.h"
#include "gateway/mail/tls_report_record.h"
#include "gateway/smtp/address.h"

namespace ringpost::mail {
namespace {

void CheckTarget(const TlsReportTarget& target) {
  RP_CHECK(target.to.size() <= limits::kTlsReportUriBytesMax);
  if (target.kind == TlsReportTarget::Kind::kMail) {
    auto mailbox = smtp::ParseMailbox(target.to, {.strict = true});
    RP_CHECK(mailbox && smtp::IsDomain(mailbox->domain, false));
    return;
  }
  RP_CHECK(target.to.starts_with("https://") && target.to.size() > 8);
  for (char c : target.to) RP_CHECK(c > 0x20 && c < 0x7f && c != '!' && c != ',' && c != ';');
}

void Check(const std::vector<std::string>& texts, const TlsReportRecord& record) {
  RP_CHECK(record.targets.empty() == !record.words.empty());
  RP_CHECK(record.targets.size() <= limits::kTlsReportTargetsMax);
  for (size_t i = 0; i < record.targets.size(); ++i) {
    CheckTarget(record.targets[i]);
    for (size_t j = 0; j < i; ++j) RP_CHECK(!(record.targets[i] == record.targets[j]));
  }
  auto begins = [](const std::string& text) { return text.starts_with("v=TLSRPTv1;"); };
  auto count = std::count_if(texts.begin(), texts.end(), begins);
  if (count > 1) RP_CHECK(record.targets.empty());
}

// What it says is read again as itself.
void CheckAgain(const TlsReportRecord& record) {
  std::string text = "v=TLSRPTv1; rua=";
  for (const TlsReportTarget& target : record.targets) {
    std::string uri;
    for (char c : target.ToUri()) {
      constexpr char kDigits[] = "0123456789ABCDEF";
      bool mail = target.kind == TlsReportTarget::Kind::kMail;
      bool plain = !mail || (c > 0x20 && std::string_view("!,;%?").find(c) == std::string::npos);
      if (plain) {
        uri += c;
      } else {
        uri += {'%', kDigits[static_cast<uint8_t>(c) >> 4], kDigits[c & 15]};
      }
    }
    if (uri.size() > limits::kTlsReportUriBytesMax) return;
    text += uri + ",";
  }
  if (text.size() > limits::kTlsReportRecordBytesMax) return;
  std::vector<std::string> texts = {text};
  RP_CHECK(ReadTlsReportRecord(texts).targets == record.targets);
}

}  // namespace
}  // namespace ringpost::mail

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ringpost::mail;
  std::string_view lines(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> texts;
  while (!lines.empty()) {
    size_t end = std::min(lines.find('\n'), lines.size());
    texts.emplace_back(lines.substr(0, end));
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  TlsReportRecord record = ReadTlsReportRecord(texts);
  Check(texts, record);
  CheckAgain(record);
  return 0;
}
