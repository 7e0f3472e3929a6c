#include "gateway/session/inbound_rules.h"

#include <string>

#include "gateway/smtp/address.h"

namespace ringpost::session {
namespace {

using smtp::Reply;

Reply StorageRefusal() {
  return {452,
          {4, 3, 1},
          "The store takes no new mail at the moment; nothing of this message was kept. Try again "
          "later"};
}

Reply MemoryRefusal() {
  return {
      452, {4, 3, 1}, "Short of memory; nothing of this message was kept. Try again in a minute"};
}

// Everything that can be wrong on our side before a message is taken.
std::optional<Reply> RefuseForTrouble(const InboundHost& host) {
  if (host.shared->pressure.load(std::memory_order_relaxed) >= Pressure::kRefuseMail) {
    return MemoryRefusal();
  }
  if (!host.region->spool->accepting()) return StorageRefusal();
  return std::nullopt;
}

}  // namespace

std::optional<Reply> RefuseMail(const InboundHost& host, const smtp::Envelope& envelope) {
  if (host.draining) return ShuttingDown(host.region->hostname);
  if (auto trouble = RefuseForTrouble(host)) return trouble;
  // Smaller messages are within what the free-space floor of the store keeps back.
  if (envelope.declared_size > limits::kBodyChunkBytesMax &&
      envelope.declared_size > host.region->spool->free_bytes()) {
    return Reply{452,
                 {4, 3, 1},
                 "No room for a message of " + std::to_string(envelope.declared_size) +
                     " bytes at the moment. Try again later"};
  }
  return std::nullopt;
}

std::optional<Reply> RefuseRecipient(const ListenerPolicy& policy, std::string_view address) {
  size_t at = address.rfind('@');
  std::string domain =
      smtp::DomainKey(at == std::string_view::npos ? policy.smtp.hostname : address.substr(at + 1));
  if (!policy.routable || policy.routable(domain)) return std::nullopt;
  return Reply{550,
               {5, 1, 2},
               "No route for mail to " + domain +
                   ": this gateway has no [[route]] for the domain. Check the address, or ask the "
                   "operator"};
}

std::optional<Reply> RefuseData(const InboundHost& host) {
  if (auto trouble = RefuseForTrouble(host)) return trouble;
  const reactor::Io& io = host.io();
  bool pool_full =
      io.pool_bytes_held() * 100 > io.pool_bytes() * uint64_t{limits::kPoolPressurePercent};
  if (pool_full || host.messages >= limits::kMessagesInFlightMax) {
    return Reply{452,
                 {4, 3, 1},
                 "Too much mail is being taken at this moment; nothing of this message was kept. "
                 "Try again in a minute"};
  }
  return std::nullopt;
}

std::optional<Reply> RefuseHeaders(const mail::HeaderSummary& headers) {
  if (headers.received_count <= limits::kReceivedFieldsMax) return std::nullopt;
  return Reply{554,
               {5, 4, 6},
               "The message has " + std::to_string(headers.received_count) +
                   " Received fields (at most " + std::to_string(limits::kReceivedFieldsMax) +
                   "): it goes round in a loop. Check the routes of the hosts it passed"};
}

Reply StoreTrouble(const Status& status) {
  if (status.code() == StatusCode::kResourceExhausted) return StorageRefusal();
  return {451, {4, 3, 0}, "The message could not be stored; it was not accepted. Try again later"};
}

Reply ShuttingDown(std::string_view hostname) {
  return {421, {4, 3, 2}, std::string(hostname) + " is shutting down. Try again in a minute"};
}

Reply KeysSpent(std::string_view hostname) {
  return {421, {4, 7, 0}, std::string(hostname) + " needs new TLS keys for more. Connect again"};
}

Reply MemoryShort(std::string_view hostname) {
  return {421, {4, 3, 2}, std::string(hostname) + " is short of memory. Try again in a minute"};
}

Reply TooManyConnections(std::string_view hostname, std::string_view whose) {
  return {421,
          {4, 7, 0},
          std::string(hostname) + " has too many connections " + std::string(whose) +
              ". Close one, or try again later"};
}

Reply TooSlow(std::string_view hostname, std::string_view what) {
  return {421, {4, 4, 2}, std::string(hostname) + " closes the connection: " + std::string(what)};
}

}  // namespace ringpost::session
