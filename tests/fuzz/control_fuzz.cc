// The control socket's requests: whatever the bytes, the parser answers with a request whose every
// field is within its bounds, or with an error fit for one JSON line and a terminal.
#include <cstdint>
#include <string_view>
#include <variant>

#include "gateway/app/control_json.h"
#include "gateway/app/control_request.h"
#include "gateway/base/check.h"

using namespace ringpost;
using namespace ringpost::app;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > limits::kControlRequestBytesMax) return 0;
  std::string_view line(reinterpret_cast<const char*>(data), size);
  auto parsed = ParseControlRequest(line);
  if (const auto* error = std::get_if<ControlError>(&parsed)) {
    RP_CHECK(!error->code.empty() && !error->message.empty());
    for (unsigned char c : error->message + error->hint) RP_CHECK(c >= 0x20 && c != 0x7f);
    std::string answer = JsonLine(ErrorAnswer(*error));
    RP_CHECK(answer.find('\n') == answer.size() - 1);
    return 0;
  }
  const ControlRequest& request = std::get<ControlRequest>(parsed);
  RP_CHECK(!ControlCommandName(request.command).empty());
  RP_CHECK(request.limit >= 1 && request.limit <= limits::kControlListEntriesMax);
  RP_CHECK(request.seconds <= limits::kSuspensionSecondsMax);
  RP_CHECK(request.reason.size() <= limits::kControlReasonBytesMax);
  for (const std::string* text :
       {&request.region, &request.filter.recipient_domain, &request.filter.next_hop,
        &request.filter.sender, &request.reason}) {
    RP_CHECK(text->size() <= limits::kPathBytesMax);
    for (unsigned char c : *text) RP_CHECK(c >= 0x20 && c != 0x7f);
  }
  return 0;
}
