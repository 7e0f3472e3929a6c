// DkimBodyHash: the SHA-256 of a message's body in relaxed canonical form (RFC 6376 section 3.4.4),
// computed while the body arrives: what bh= holds.
//
// The body is what follows the empty line after the header section; it may come in any pieces, and
// the hash does not depend on how it was cut. Runs of SP and HTAB become one SP, those before a
// CRLF go; so do empty lines at the end; a body that is not empty then ends in one CRLF. Only CRLF
// ends a line: a CR or LF by itself is a byte like others (the receiving side refuses them but in
// BINARYMIME). Nothing else is looked at, so any bytes will do, of any length: there is no l= (RFC
// 6376 section 8.2).
//
// What of the body lies in a block that the hash has not yet taken is wiped with it. Threads: one
// owner.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "gateway/tls/aead.h"

namespace ringpost::mail {

using DkimDigest = std::array<uint8_t, 32>;

class DkimBodyHash {
 public:
  void Update(std::string_view piece);
  // Once, after the last piece.
  DkimDigest Finish();

 private:
  void EmitHeld();
  void EndLine() {
    space_held_ = false;
    ++lines_held_;
  }

  tls::Sha256 hash_;
  // What has been seen, and whose fate what comes will decide, in this order.
  uint64_t lines_held_ = 0;  // CRLFs
  bool space_held_ = false;
  bool cr_held_ = false;
  bool empty_ = true;  // nothing has been hashed
};

}  // namespace ringpost::mail
