#include "gateway/mail/tls_report_record.h"

#include <algorithm>
#include <optional>

#include "gateway/base/text.h"
#include "gateway/mail/tls_report_limits.h"
#include "gateway/smtp/address.h"

namespace ringpost::mail {
namespace {

constexpr std::string_view kVersion = "v=TLSRPTv1";
constexpr std::string_view kHttps = "https://";
constexpr std::string_view kMailto = "mailto:";
constexpr size_t kFieldNameBytesMax = 32;  // RFC 8460 section 3: 1 and 31 more

// What is behind the version and its semicolon; nothing: it is another kind of record.
std::optional<std::string_view> FieldsOf(std::string_view text) {
  if (!text.starts_with(kVersion)) return std::nullopt;
  text = TrimSpace(text.substr(kVersion.size()));
  if (!text.starts_with(';')) return std::nullopt;
  return text.substr(1);
}

int HexDigit(char c) {
  if (IsDigit(c)) return c - '0';
  char lower = AsciiLower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::optional<std::string> PercentDecoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    int high = HexDigit(text[i + 1]), low = HexDigit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high << 4 | low);
    i += 2;
  }
  return out;
}

// RFC 6068, one address; its header fields are not for us.
std::optional<TlsReportTarget> MailTarget(std::string_view text) {
  auto address = PercentDecoded(text.substr(0, text.find('?')));
  if (!address) return std::nullopt;
  auto mailbox = smtp::ParseMailbox(*address, {.strict = true});
  if (!mailbox || !smtp::IsDomain(mailbox->domain, false)) return std::nullopt;
  return TlsReportTarget{TlsReportTarget::Kind::kMail, std::move(*address)};
}

// "!" and what separates URIs and fields are encoded in one (section 3).
std::optional<TlsReportTarget> TargetOf(std::string_view uri) {
  bool visible = std::all_of(uri.begin(), uri.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (!visible || uri.size() > limits::kTlsReportUriBytesMax ||
      uri.find('!') != std::string_view::npos) {
    return std::nullopt;
  }
  if (StartsWithIgnoreCase(uri, kMailto)) return MailTarget(uri.substr(kMailto.size()));
  if (!StartsWithIgnoreCase(uri, kHttps) || uri.size() == kHttps.size()) return std::nullopt;
  return TlsReportTarget{TlsReportTarget::Kind::kHttps,
                         std::string(kHttps).append(uri.substr(kHttps.size()))};
}

void ReadUris(std::string_view value, TlsReportRecord* record) {
  while (!value.empty()) {
    size_t comma = std::min(value.find(','), value.size());
    auto target = TargetOf(TrimSpace(value.substr(0, comma)));
    value.remove_prefix(std::min(comma + 1, value.size()));
    if (!target || record->targets.size() == limits::kTlsReportTargetsMax) continue;
    auto& targets = record->targets;
    if (std::find(targets.begin(), targets.end(), *target) == targets.end()) {
      targets.push_back(std::move(*target));
    }
  }
}

bool IsFieldName(std::string_view name) {
  return !name.empty() && name.size() <= kFieldNameBytesMax &&
         (IsAlpha(name[0]) || IsDigit(name[0])) &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return IsAlpha(c) || IsDigit(c) || c == '_' || c == '-' || c == '.';
         });
}

// False: a field is none.
bool ReadFields(std::string_view fields, TlsReportRecord* record) {
  while (!TrimSpace(fields).empty()) {
    size_t end = std::min(fields.find(';'), fields.size());
    std::string_view field = TrimSpace(fields.substr(0, end));
    fields.remove_prefix(std::min(end + 1, fields.size()));
    size_t equals = field.find('=');
    if (equals == std::string_view::npos || !IsFieldName(field.substr(0, equals))) return false;
    if (field.substr(0, equals) == "rua") ReadUris(field.substr(equals + 1), record);
  }
  return true;
}

}  // namespace

TlsReportRecord ReadTlsReportRecord(std::span<const std::string> texts) {
  TlsReportRecord record;
  std::optional<std::string_view> fields;
  for (const std::string& text : texts) {
    auto found = FieldsOf(text);
    if (!found) continue;
    if (fields) {
      record.words = "there are several records for reports on TLS, so none counts";
      return record;
    }
    fields = found;
    if (text.size() > limits::kTlsReportRecordBytesMax) fields = "too long";
  }
  if (!fields) {
    record.words = "the domain asks for no reports on TLS";
  } else if (!ReadFields(*fields, &record)) {
    record.targets.clear();
    record.words = "the record for reports on TLS is malformed";
  } else if (record.targets.empty()) {
    record.words = "the record for reports on TLS names no place that reports can be sent to";
  }
  return record;
}

}  // namespace ringpost::mail
