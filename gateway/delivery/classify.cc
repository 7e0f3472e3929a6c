#include "gateway/delivery/classify.h"

namespace ringpost::delivery {
namespace {

using Outcome = dns::Exchangers::Outcome;

smtp::Reply OurReply(uint16_t code, smtp::EnhancedCode enhanced, std::string text) {
  smtp::Reply reply;
  reply.code = code;
  reply.enhanced = enhanced;
  reply.text = std::move(text);
  return reply;
}

// 4.4.3: RFC 3463's "directory server failure".
smtp::Reply DnsReply(const std::string& domain, const std::string& why) {
  return OurReply(0, {4, 4, 3}, "where mail to " + domain + " goes is not known now: " + why);
}

}  // namespace

Classified Classify(const smtp::Reply& reply, bool others_delivered, bool in_doubt) {
  Classified result;
  if (reply.code >= 200 && reply.code < 300) {
    result.verdict = Verdict::kDelivered;
  } else if (reply.permanent()) {
    result.verdict = Verdict::kBounced;
  } else if (reply.code == 452 && others_delivered) {
    result.verdict = Verdict::kNotTried;
  } else {
    result.host_trouble = reply.code == 421 || !reply.temporary();
    result.in_doubt = in_doubt && reply.code == 0;
  }
  return result;
}

smtp::Reply ExpiredReply(const smtp::Reply& last) {
  smtp::Reply reply;
  reply.enhanced = {4, 4, 7};
  reply.text = "not delivered in time; it will not be tried again";
  if (last.code != 0) {
    reply.text += "; the last answer was " + std::to_string(last.code);
    if (last.enhanced.present()) reply.text += " " + last.enhanced.ToString();
  }
  return reply;
}

smtp::Reply NoRouteReply(std::string_view domain) {
  smtp::Reply reply;
  reply.enhanced = {4, 4, 4};
  reply.text = "no route for mail to " + std::string(domain);
  return reply;
}

smtp::Reply UnreachableReply(std::string_view next_hop, std::string_view why) {
  smtp::Reply reply;
  reply.enhanced = {4, 4, 1};
  reply.text = std::string(next_hop) + ": " + std::string(why);
  return reply;
}

smtp::Reply NoExchangerReply(std::string_view domain, Outcome outcome) {
  const std::string name(domain);
  switch (outcome) {
    case Outcome::kNullMx:
      return OurReply(556, {5, 1, 10}, name + " takes no mail: it has a null MX");
    case Outcome::kNoDomain:
      return OurReply(550, {5, 1, 2}, "there is no domain " + name);
    case Outcome::kLoop:
      return OurReply(550, {5, 4, 6},
                      "mail to " + name + " would come back: this host is its mail exchanger");
    case Outcome::kNoHost:
      return OurReply(550, {5, 4, 4}, "no mail exchanger of " + name + " has an address");
    case Outcome::kTimeout:
      return DnsReply(name, "the DNS did not answer in time");
    case Outcome::kBogus:
      return DnsReply(name, "the answer of the DNS is not what its owner has signed (bogus)");
    case Outcome::kMalformed:
      return DnsReply(name, "the answer of the DNS cannot be read");
    case Outcome::kServfail:
    case Outcome::kHosts:
      break;
  }
  return DnsReply(name, "the DNS answered SERVFAIL, or not at all");
}

smtp::Reply PolicyForbidsReply(std::string_view domain) {
  return {0,
          {4, 7, 5},
          "No mail exchanger of " + std::string(domain) +
              " is one that the domain's own policy (MTA-STS, RFC 8461) lets take its mail"};
}

smtp::Reply NotProvenReply(std::string_view next_hop) {
  return {550,
          {5, 7, 10},
          "The sender asks for TLS with servers that prove who they are (REQUIRETLS, RFC 8689), "
          "which " +
              std::string(next_hop) + " does not"};
}

smtp::Reply TooLargeReply(uint64_t size, uint64_t size_max) {
  smtp::Reply reply;
  reply.code = 552;
  reply.enhanced = {5, 3, 4};
  reply.text = "the message has " + std::to_string(size) + " bytes, and the next hop takes " +
               std::to_string(size_max);
  return reply;
}

}  // namespace ringpost::delivery
