#include "gateway/app/config_protocol.h"

#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/smtp/address.h"

namespace ringpost::app {
namespace {

constexpr std::string_view kProtocolChoices[] = {"smtp", "http", "auto"};

}  // namespace

void ReadListenerProtocol(TableReader* table, ListenerConfig* listener) {
  using session::ListenerProtocol;
  size_t protocol = 0;
  table->Choice("protocol", kProtocolChoices, &protocol);
  listener->protocol = static_cast<ListenerProtocol>(protocol);
  bool implicit = listener->tls == ListenerTls::kImplicit;
  if (listener->protocol == ListenerProtocol::kHttp && !implicit) {
    if (table->Find("tls") && listener->tls != ListenerTls::kNone) {
      table->Error("tls",
                   "STARTTLS is SMTP's: with protocol = \"http\" it is \"implicit\" or \"none\"");
    }
    listener->tls = ListenerTls::kNone;
  }
  table->Texts("http_names", limits::kHttpNamesMax,
               [&](std::string_view text) -> std::optional<std::string> {
                 if (text.size() > limits::kDomainBytesMax || !smtp::IsDomain(text, false)) {
                   return "expects a name that clients ask for by SNI, such as "
                          "\"api.example.com\", not " +
                          Quoted(text);
                 }
                 listener->http_names.insert(ToLower(text));
                 return std::nullopt;
               });
  bool decides = listener->protocol == ListenerProtocol::kAuto && implicit;
  if (!listener->http_names.empty() && !decides) {
    table->Error("http_names",
                 "is looked at only where protocol = \"auto\" and tls = \"implicit\"");
  }
}

}  // namespace ringpost::app
