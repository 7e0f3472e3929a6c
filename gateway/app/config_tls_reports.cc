// ParseConfig: [tls_reports].
#include <algorithm>

#include "gateway/app/config_sections.h"
#include "gateway/app/config_text.h"
#include "gateway/base/text.h"
#include "gateway/mail/tls_report_limits.h"
#include "gateway/smtp/address.h"

namespace ringpost::app {
namespace {

void ReadAddress(TableReader* table, std::string_view key, std::string* to) {
  std::string text;
  if (!table->Text(key, &text)) return;
  auto mailbox = smtp::ParseMailbox(text, {.strict = true});
  if (mailbox && smtp::IsDomain(mailbox->domain, false)) {
    *to = std::move(text);
  } else {
    table->Error(key,
                 "expects an address such as \"tls-reports@example.com\", not " + Quoted(text));
  }
}

}  // namespace

void ReadTlsReports(TableReader* root, TlsReportConfig* to) {
  const toml::table* section = Section(root, "tls_reports");
  if (!section) return;
  TableReader table(section, "tls_reports", root->errors());
  table.Required("from", "the address that reports come from");
  ReadAddress(&table, "from", &to->from);
  to->organization = std::string(to->submitter());
  to->contact = to->from;
  ReadAddress(&table, "contact", &to->contact);
  std::string organization;
  if (table.Text("organization", &organization)) {
    bool fine = !organization.empty() && IsUtf8(organization) &&
                organization.size() <= mail::limits::kTlsReportWordsBytesMax &&
                std::none_of(organization.begin(), organization.end(), [](char c) {
                  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
                });
    if (fine) {
      to->organization = std::move(organization);
    } else {
      table.Error("organization", "expects a name of 1 to 200 bytes, such as \"Example Ltd\"");
    }
  }
  table.Finish();
}

}  // namespace ringpost::app
