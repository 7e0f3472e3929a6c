// Reports made of hostile strings keep their structure. Input: one byte of options, then strings,
// each up to a 0x1E byte: envelope id, reverse-path, address, ORCPT, remote name, reply text, and
// the original.
#include <algorithm>
#include <cstdint>
#include <string>

#include "gateway/base/check.h"
#include "gateway/base/text.h"
#include "gateway/mail/dsn.h"

namespace ringpost::mail {
namespace {

std::string_view Take(std::string_view* rest) {
  size_t end = std::min(rest->find('\x1e'), rest->size());
  std::string_view taken = rest->substr(0, end);
  rest->remove_prefix(std::min(end + 1, rest->size()));
  return taken;
}

void CheckReport(std::string_view report, bool utf8) {
  size_t fences = 0;
  std::string boundary;
  size_t type = report.find("\r\nContent-Type: multipart/report; ");
  RP_CHECK(type != std::string_view::npos && type < report.find("\r\n\r\n"));
  size_t named = report.find("boundary=\"", type);
  RP_CHECK(named != std::string_view::npos);
  named += 10;
  boundary = "--" + std::string(report.substr(named, report.find('"', named) - named));
  RP_CHECK(boundary.size() <= 72);
  RP_CHECK(report.ends_with("\r\n" + boundary + "--\r\n"));
  for (size_t at = 0; at < report.size();) {
    size_t end = report.find("\r\n", at);
    RP_CHECK(end != std::string_view::npos && end - at <= 998);
    std::string_view line = report.substr(at, end - at);
    RP_CHECK(line.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
    fences += line.starts_with(boundary);
    at = end + 2;
  }
  RP_CHECK(fences == 4);
  for (char c : report) RP_CHECK(utf8 || (c & 0x80) == 0);
}

}  // namespace
}  // namespace ringpost::mail

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ringpost;
  using namespace ringpost::mail;
  if (size == 0) return 0;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  DsnInput input;
  input.hostname = "gw.example.org";
  input.arrival = WallFromMillis(1764000000000);
  input.now = WallFromMillis(1764000060000);
  input.smtputf8 = data[0] & 1;
  input.return_full = data[0] & 2;
  input.envid = Take(&rest);
  input.reverse_path = Take(&rest);
  DsnRecipient recipient;
  recipient.action = static_cast<DsnAction>((data[0] >> 2 & 7) % 5);
  recipient.recipient.address = Take(&rest);
  recipient.recipient.orcpt = Take(&rest);
  recipient.remote_mta = Take(&rest);
  recipient.reply.text = Take(&rest);
  recipient.reply.code = data[0] & 32 ? 550 : 0;
  recipient.last_attempt = input.now;
  input.recipients.assign(1 + (data[0] >> 6), recipient);
  input.original = rest;
  CheckReport(BuildDsn(input), input.smtputf8);
  return 0;
}
