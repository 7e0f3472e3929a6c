// Bounds of reading what comes back (bounce_reader.h) and of its classes, with what happens at
// each.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ringpost::mail::limits {

// Of a message as it is looked at; what is behind this is not. The reports of large messages return
// them last.
inline constexpr size_t kBounceBytesMax = 128 * 1024;
// Return paths of one transaction that a bounce is applied to; beyond, it is only passed on.
inline constexpr size_t kBounceOriginsMax = 4;
// Fields of one header section or of one group of a report, and the bytes kept of a value; the rest
// is passed over.
inline constexpr size_t kBounceFieldsMax = 256;
// As above.
inline constexpr size_t kBounceFieldBytesMax = 2048;
// Parts of the message, in all and within one another; the rest is passed over.
inline constexpr size_t kBouncePartsMax = 32;
// As above. A report has one level; lists and gateways that add to it make it two or three.
inline constexpr size_t kBounceDepthMax = 4;
// A part in quoted-printable or base64, before it is decoded; what is behind this is not decoded.
inline constexpr size_t kBounceDecodedBytesMax = 64 * 1024;
// Recipients of one report; more are passed over, and BounceFacts::cut says so.
inline constexpr size_t kBounceRecipientsMax = 64;
// Lines of a text that are looked at for what a bounce says.
inline constexpr size_t kBounceTextLinesMax = 400;
// A line of it; the rest is passed over.
inline constexpr size_t kBounceLineBytesMax = 512;
// Of its start, with the subject: where words of failure and delay are looked for.
inline constexpr size_t kBounceWordsBytesMax = 8 * 1024;
// Words of a diagnosis; the rest is cut off.
inline constexpr size_t kBounceDiagnosisBytesMax = 1024;

// Rules of one bounce-classes.toml; a file with more is refused.
inline constexpr size_t kBounceRulesMax = 1000;
// A pattern of one; longer is refused.
inline constexpr size_t kBouncePatternBytesMax = 2000;
// What one may take once it is compiled; one that needs more is refused.
inline constexpr int64_t kBouncePatternMemoryBytesMax = 1024 * 1024;
// The same of all together, with what matching takes beside them.
inline constexpr int64_t kBouncePatternsMemoryBytesMax = 32 * 1024 * 1024;

}  // namespace ringpost::mail::limits
