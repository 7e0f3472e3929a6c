// Which commands of a transaction go out, and when.
#include <optional>
#include <unordered_set>

#include "gateway/base/limits.h"
#include "gateway/base/text.h"
#include "gateway/smtp/client_commands.h"
#include "gateway/smtp/client_state.h"

namespace ringpost::smtp {

using EventKind = ClientSession::EventKind;

void ClientSession::State::TraceFrom(size_t at) {
  if (!trace) return;
  trace(trace_context, true, std::string_view(output).substr(at, output.size() - at - 2));
}

void ClientSession::State::Command(std::string_view line) {
  size_t at = output.size();
  output.append(line).append("\r\n");
  TraceFrom(at);
}

bool ClientSession::State::WantsBdat() const {
  if (!capabilities.chunking) return false;
  return mail.body == BodyType::kBinaryMime || !capabilities.pipelining ||
         mail.size >= limits::kBdatBytesMin;
}

// Sends the next command, if there is one that may go now.
bool ClientSession::State::NextCommand() {
  if (mail_refused || data_sent) return false;
  size_t at = output.size();
  if (sent == 0) {
    AppendMail(mail, capabilities, &output);
    ++mails_sent;
  } else if (sent < commands()) {
    AppendRcpt(*mail.recipients[order[sent - 1]], mail, capabilities, &output);
  } else {
    // While replies are out it may yet be that a recipient is accepted.
    if (bdat || (accepted_count == 0 && answered == sent)) return false;
    output.append("DATA\r\n");
    data_sent = true;
  }
  TraceFrom(at);
  ++sent;
  return true;
}

void ClientSession::State::SendCommands() {
  if (sent - answered > window / 2) return;
  uint32_t open_max = capabilities.pipelining ? limits::kPipelineCommandsMax : 1;
  size_t from = output.size();
  while (sent - answered < open_max && output.size() - from < limits::kPipelineBytesMax) {
    if (!NextCommand()) break;
  }
  window = sent - answered;
}

// Leaves out the recipients that cannot be sent, each with a reply of ours (RFC 9422 for the
// limits).
void ClientSession::State::ChooseRecipients() {
  std::optional<Reply> refused = RefuseMail(mail, capabilities);
  std::unordered_set<std::string> domains;
  for (uint32_t i = 0; i < mail.recipients.size(); ++i) {
    const Recipient& recipient = *mail.recipients[i];
    std::optional<Reply> reply = refused ? refused : RefuseRecipient(recipient, mail, capabilities);
    bool fits = capabilities.recipients_max == 0 || order.size() < capabilities.recipients_max;
    if (!reply && fits && capabilities.recipient_domains_max != 0) {
      std::string domain = ToLower(recipient.address.substr(recipient.address.rfind('@') + 1));
      fits = domains.contains(domain) || domains.size() < capabilities.recipient_domains_max;
      if (fits) domains.insert(std::move(domain));
    }
    if (!reply && !fits) {
      reply = Reply{
          452, {4, 5, 3}, "The next hop takes no more recipients in one transaction (LIMITS)"};
    }
    if (reply) {
      Settle(i, *reply);
    } else {
      order.push_back(i);
    }
  }
}

}  // namespace ringpost::smtp
