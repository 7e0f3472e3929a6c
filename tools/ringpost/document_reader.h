// The export document of accounts, senders, credentials and domains, read in a stream: one record
// at a time, nothing of the others in memory.
//
//   {"ringpost":1,"exported":"...","accounts":[{...}],"senders":[{...}],"credentials":[{...}],
//    "domains":[{...}]}
//
// Sections may be missing, but not be in another order: what refers to an account comes behind it.
// What a record holds is the daemon's to judge; here it is bounded in size, depth and members. The
// document may be of anyone's making: whatever is wrong with it is said in words, with the place.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "gateway/base/limits.h"
#include "gateway/base/status.h"
#include "tools/ringpost/connection.h"

namespace ringpost::cli {

// The version of the document that is written, and read.
inline constexpr uint64_t kDocumentVersion = 1;
// One record, with the space around it: what a request of the control socket can hold beside its
// own members. Longer: refused.
inline constexpr size_t kDocumentRecordBytesMax = limits::kControlRequestBytesMax - 64 * 1024;
// Objects and lists within each other, the document itself among them (a restrict list in a record
// is the fifth); members of one object. More: refused.
inline constexpr size_t kDocumentDepthMax = 8;
inline constexpr size_t kDocumentMembersMax = 64;

enum class DocumentSection : uint8_t { kAccounts, kSenders, kCredentials, kDomains };
inline constexpr size_t kDocumentSections = 4;
// "accounts"; "account": a record's type on the wire.
const char* SectionName(DocumentSection section);
const char* SectionType(DocumentSection section);

// Fills a buffer from the document; 0 at its end. Not OK: in words.
using DocumentSource = std::function<StatusOr<size_t>(char* buffer, size_t size)>;
// Gets each record, its type among its members, and which of its section it is, from 1. False: the
// reading ends.
using DocumentSink = std::function<bool(DocumentSection section, uint64_t number, Json record)>;

// INVALID_ARGUMENT: not such a document. CANCELLED: the sink has ended it. What the source said.
ringpost::Status ReadDocument(const DocumentSource& source, const DocumentSink& sink);

}  // namespace ringpost::cli
