#include "gateway/mail/link_mail.h"

#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/mail/dsn_text.h"

namespace ringpost::mail {
namespace {

// As it is on a line of its own: nothing of it may be wrapped or changed, or it is another one.
void AppendLine(std::string_view text, std::string* out) {
  out->append("\r\n    ").append(text).append("\r\n\r\n");
}

}  // namespace

std::string BuildLinkMail(const LinkMailInput& input) {
  bool utf8 = HasEighthBit(input.address);
  std::string host = SafeText(input.hostname, false, limits::kDomainBytesMax);
  std::string address = SafeText(input.address, utf8, limits::kPathBytesMax);
  std::string account = SafeText(input.account, false, limits::kAccountNameBytesMax);
  std::string out;
  AppendField("Date", FormatRfc5322Date(input.now), &out);
  AppendField("From", "\"Mail gateway " + host + "\" <postmaster@" + host + ">", &out);
  out.append("To: <").append(address).append(">\r\n");
  AppendField("Subject", "Please confirm your address at the mail gateway " + host, &out);
  AppendField("Message-ID", "<" + input.id.ToString() + "@" + host + ">", &out);
  AppendField("Auto-Submitted", "auto-generated", &out);
  AppendField("MIME-Version", "1.0", &out);
  AppendField("Content-Type", std::string("text/plain; charset=") + (utf8 ? "utf-8" : "us-ascii"),
              &out);
  AppendField("Content-Transfer-Encoding", utf8 ? "8bit" : "7bit", &out);
  out.append("\r\n");
  AppendParagraph("At the mail gateway " + host + ", the account " + account +
                      " is to send mail that comes from this address:",
                  0, &out);
  AppendLine(address, &out);
  AppendParagraph("If you want that, open this page and press its button:", 0, &out);
  AppendLine(SafeText(input.url, false, limits::kLinkUrlBytesMax), &out);
  AppendParagraph("To open the page changes nothing by itself. The link is good once, until " +
                      FormatRfc5322Date(input.expires) + ".",
                  0, &out);
  out.append("\r\n");
  AppendParagraph(
      "If you do not know what this is about, do nothing: without your confirmation the gateway "
      "takes no mail from the account under your address.",
      0, &out);
  return out;
}

}  // namespace ringpost::mail
