// What decides and answers on the web ports, from hostile bytes: is this the beginning of HTTP, and
// what is said to a request. Against what must hold whatever comes: the decision is the same for
// each longer input, no piece of a request breaks out of a redirect's Location, only a token that
// was asked for brings its key authorization out, a link is asked about by its token alone and
// confirmed by POST alone, and what a page names stays text.
//
// Input: lines of a request's method, target, Host, and a byte of modes.
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/http/front_door.h"
#include "gateway/http/link_page.h"
#include "gateway/session/protocol_choice.h"

namespace ringpost::http {
namespace {

constexpr std::string_view kSecret = "key authorization";

void CheckFirstWords(std::string_view input) {
  using session::FirstWords;
  FirstWords before = FirstWords::kNeedMore;
  for (size_t count = 0; count <= input.size() && count <= session::kFirstWordsBytes + 4; ++count) {
    FirstWords now = session::LookAtFirstWords(input.substr(0, count));
    RP_CHECK(before == FirstWords::kNeedMore || now == before);  // decided once
    RP_CHECK(count < session::kFirstWordsBytes || now != FirstWords::kNeedMore);
    before = now;
  }
}

void CheckLocation(std::string_view location) {
  RP_CHECK(location.starts_with("https://"));
  for (char c : location) RP_CHECK(c > ' ' && c < '\x7f');
  std::string_view authority = location.substr(8, location.find('/', 8) - 8);
  RP_CHECK(authority.size() < location.size() - 8);  // there is a path
  RP_CHECK(!HostOf(authority).empty());
  RP_CHECK(authority.find('@') == std::string_view::npos);
}

void CheckHandshake(std::string_view protocol, std::string_view name) {
  bool wanted = protocol == "http/1.1" || EqualsIgnoreCase(name, "api.example");
  RP_CHECK(session::MeansHttp(protocol, name, {"api.example"}) == wanted);
  RP_CHECK(session::MeansHttp(protocol, name, {}) == (protocol == "http/1.1"));
}

// `name`: what a page is to name.
void CheckLink(const Request& request, uint16_t port, const AcmeChallenges& challenges,
               std::string_view name) {
  auto question = QuestionOf(request, port);
  if (question) {
    RP_CHECK(IsLinkToken(question->token));
    RP_CHECK(request.secure || port == 0);
    RP_CHECK(question->confirm == (request.method == "POST"));
    RP_CHECK(question->confirm || request.method == "GET" || request.method == "HEAD");
  }
  if (TakesForm(request, port)) RP_CHECK(request.method == "POST");
  RP_CHECK(LoggedTarget(request.target).size() <= limits::kHttpTargetLoggedBytesMax + 3);
  LinkFacts facts{LinkFacts::State::kOpen, std::string(name), std::string(name), std::string(name)};
  Answer answer = AnswerTo(request, challenges, port, facts);
  bool page = !answer.content_security_policy.empty();
  RP_CHECK(!question || answer.status == 200);
  if (page && !question) RP_CHECK(answer.status == 404);  // no token: nothing is named
  std::string escaped = HtmlEscaped(name);
  RP_CHECK(IsUtf8(escaped));
  for (char c : escaped) {
    RP_CHECK(c != '<' && c != '>' && c != '"' && c != '\'');
    RP_CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  }
}

void CheckAnswer(std::string_view input) {
  static const AcmeChallenges& challenges = [&]() -> AcmeChallenges& {
    static AcmeChallenges table;
    RP_CHECK(table.Add("token", std::string(kSecret)).ok());
    return table;
  }();
  std::array<std::string_view, 4> fields;
  for (std::string_view& field : fields) {
    field = input.substr(0, input.find('\n'));
    input.remove_prefix(std::min(input.size(), field.size() + 1));
  }
  CheckHandshake(fields[0], fields[2]);
  uint8_t modes = fields[3].empty() ? 0 : static_cast<uint8_t>(fields[3][0]);
  Request request{fields[0],       fields[1], fields[2], modes & 3u, modes & 4 ? 10u : 11u,
                  (modes & 8) != 0};
  uint16_t port = modes & 16 ? 0 : modes & 32 ? 8465 : 443;
  Answer answer = AnswerTo(request, challenges, port);
  CheckLink(request, port, challenges, fields[2]);
  RP_CHECK((answer.status == 308) == !answer.location.empty());
  if (answer.status == 308) {
    RP_CHECK(port != 0 && !request.secure);
    CheckLocation(answer.location);
  }
  if (answer.body.find(kSecret) != std::string::npos) {
    RP_CHECK(answer.status == 200 && !request.secure);
    RP_CHECK(request.target.ends_with("/.well-known/acme-challenge/token"));
  }
}

}  // namespace
}  // namespace ringpost::http

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string copy(reinterpret_cast<const char*>(data), size);
  ringpost::http::CheckFirstWords(copy);
  ringpost::http::CheckAnswer(copy);
  return 0;
}
