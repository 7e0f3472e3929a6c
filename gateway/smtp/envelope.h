// The envelope of a message as SMTP carries it: reverse-path, recipients, and the parameters of
// both.
//
// Plain data, made by ServerSession from MAIL and RCPT, stored by storage, used by ClientSession.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ringpost::smtp {

// RFC 6152, 3030: what the client declared of the body.
enum class BodyType : uint8_t { k7Bit, k8BitMime, kBinaryMime };

// RFC 3461 section 4.3.
enum class DsnReturn : uint8_t { kUnspecified, kFull, kHeaders };

// RFC 3461 section 4.1; a set of bits. kNotifyUnspecified: the sender said nothing (failure is
// reported).
enum Notify : uint8_t {
  kNotifyUnspecified = 0,
  kNotifyNever = 1,
  kNotifySuccess = 2,
  kNotifyFailure = 4,
  kNotifyDelay = 8,
};

struct Recipient {
  // local-part@domain as given, domain not lowered; or "postmaster" alone, in any case (RFC 5321
  // section 4.1.1.3). Never empty.
  std::string address;
  // "rfc822;..." decoded from xtext, so printable (UTF-8 only with SMTPUTF8). Of "utf-8;..." the
  // \x{...} of RFC 6533 are left as they are. Empty: none.
  std::string orcpt;
  uint8_t notify = kNotifyUnspecified;
  bool operator==(const Recipient&) const = default;
};

struct Envelope {
  std::string reverse_path;  // empty: the null reverse-path <>
  std::vector<Recipient> recipients;
  std::string envid;  // decoded from xtext; empty: none
  DsnReturn ret = DsnReturn::kUnspecified;
  BodyType body = BodyType::k7Bit;
  bool smtputf8 = false;
  bool require_tls = false;    // REQUIRETLS (RFC 8689)
  uint64_t declared_size = 0;  // SIZE=; 0: none
  bool operator==(const Envelope&) const = default;
};

}  // namespace ringpost::smtp
