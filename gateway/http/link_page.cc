#include "gateway/http/link_page.h"

#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/smtp/base64.h"
#include "gateway/tls/aead.h"

namespace ringpost::http {
namespace {

using State = LinkFacts::State;

constexpr std::string_view kStyle =
    ":root{color-scheme:light dark;--ink:#1d2430;--soft:#5b6575;--paper:#fff;--ground:#f1f3f6;"
    "--line:#dde2e9;--button:#1f5fbf;--over:#184c99}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e8ebf0;--soft:#a3adbb;--paper:#1c222b;"
    "--ground:#12161c;--line:#323b48;--button:#2f6fd0;--over:#255cb3}}"
    "*{box-sizing:border-box}"
    "body{margin:0;min-height:100vh;display:flex;align-items:center;justify-content:center;"
    "padding:1.5rem;background:var(--ground);color:var(--ink);"
    "font:1rem/1.55 system-ui,-apple-system,\"Segoe UI\",Roboto,sans-serif}"
    "main{width:100%;max-width:34rem;padding:2.25rem;background:var(--paper);"
    "border:1px solid var(--line);border-radius:.75rem}"
    "h1{margin:0 0 1rem;font-size:1.4rem;line-height:1.3}"
    "p{margin:0 0 1rem}"
    "dl{margin:0 0 1.5rem;padding:1rem 1.25rem;background:var(--ground);border-radius:.5rem}"
    "dt{color:var(--soft);font-size:.85rem}"
    "dd{margin:0 0 .75rem;font-weight:600;overflow-wrap:anywhere}"
    "dd:last-child{margin:0}"
    "button{width:100%;padding:.8rem 1rem;border:0;border-radius:.5rem;background:var(--button);"
    "color:#fff;font:inherit;font-weight:600;cursor:pointer}"
    "button:hover,button:focus-visible{background:var(--over)}"
    "button:focus-visible{outline:3px solid var(--ink);outline-offset:2px}"
    ".soft{margin:1.25rem 0 0;color:var(--soft);font-size:.9rem}";

struct Words {
  uint16_t status;
  std::string_view title, text;
};

Words WordsOf(State state) {
  switch (state) {
    case State::kOpen:
      return {
          200, "Confirm your address",
          "An account of this mail gateway is to send mail that comes from your address. Do you "
          "want that?"};
    case State::kConfirmed:
      return {200, "Confirmed", "The account may now send mail that comes from this address."};
    case State::kUsed:
      return {410, "This link was used already",
              "The address is confirmed, and there is nothing left to do."};
    case State::kReplaced:
      return {
          410, "A newer link was sent",
          "This link is no longer good, because another one was mailed to the same address after "
          "it. Open the one in the newest mail."};
    case State::kExpired:
      return {410, "This link has expired",
              "It was good for seven days. Ask whoever runs this gateway to have another one "
              "mailed to you."};
    case State::kUnknown:
      return {
          404, "This link is not known",
          "Look whether the address in your browser is the whole link from the mail. If it is, "
          "the link is an old one, or what it was for is no longer wanted: ask whoever runs this "
          "gateway."};
    case State::kTooMany:
      return {429, "Too many tries",
              "There were too many tries from your network. Wait a minute, then open the link "
              "again."};
    case State::kUnavailable:
      break;
  }
  return {503, "Not now", "The gateway cannot look this up now. Try again in a minute."};
}

// The hash by which the style, and nothing else, is allowed (CSP Level 3).
const std::string& Policy() {
  static const std::string policy = [] {
    tls::Sha256 hash;
    hash.Update(kStyle);
    auto digest = hash.Finish();
    std::string text = "default-src 'none'; style-src 'sha256-";
    smtp::AppendBase64({reinterpret_cast<const char*>(digest.data()), digest.size()}, &text);
    return text + "'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
  }();
  return policy;
}

// U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069, and the line ends U+2028 and U+2029.
bool Turns(std::string_view at) {
  if (at.size() < 3 || at[0] != '\xe2') return false;
  auto second = static_cast<uint8_t>(at[1]), third = static_cast<uint8_t>(at[2]);
  if (second == 0x80) return third == 0x8e || third == 0x8f || (third >= 0xa8 && third <= 0xae);
  return second == 0x81 && third >= 0xa6 && third <= 0xa9;
}

void AppendFact(std::string_view name, std::string_view value, std::string* out) {
  if (value.empty()) return;
  out->append("<dt>").append(name).append("</dt><dd><bdi>");
  out->append(HtmlEscaped(value)).append("</bdi></dd>\n");
}

}  // namespace

std::string HtmlEscaped(std::string_view text) {
  std::string safe = Printable(text, limits::kPathBytesMax), escaped;
  for (size_t i = 0; i < safe.size(); ++i) {
    switch (char c = safe[i]) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        if (Turns(std::string_view(safe).substr(i))) {
          escaped += '?';
          i += 2;
        } else {
          escaped += c;
        }
    }
  }
  return escaped;
}

Answer LinkPage(const LinkFacts& facts) {
  const Words words = WordsOf(facts.state);
  Answer answer;
  answer.status = words.status;
  answer.content_type = "text/html; charset=utf-8";
  answer.content_security_policy = Policy();
  if (words.status == 429 || words.status == 503) {
    answer.retry_after_seconds = limits::kLinkLookupsOfClientSeconds;
  }
  std::string& page = answer.body;
  page.append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
  page.append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
  page.append("<meta name=\"robots\" content=\"noindex\">\n");
  page.append("<title>").append(words.title).append("</title>\n<style>").append(kStyle);
  page.append("</style>\n</head>\n<body>\n<main>\n<h1>").append(words.title).append("</h1>\n<p>");
  page.append(words.text).append("</p>\n");
  if (!facts.address.empty() || !facts.gateway.empty()) {
    page.append("<dl>\n");
    AppendFact("Address", facts.address, &page);
    AppendFact("Account", facts.account, &page);
    AppendFact("Mail gateway", facts.gateway, &page);
    page.append("</dl>\n");
  }
  if (facts.state == State::kOpen) {
    page.append("<form method=\"post\"><button type=\"submit\">Confirm this address</button>");
    page.append(
        "</form>\n<p class=\"soft\">If you do not know what this is about, close this page:");
    page.append(" nothing changes until the button is pressed.</p>\n");
  }
  page.append("</main>\n</body>\n</html>\n");
  return answer;
}

}  // namespace ringpost::http
