// What an operator sets of accounts, credentials and senders: how each member is called on the
// wire, on the command line and in a view. One table for all three. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "gateway/base/status.h"
#include "tools/ringpost/connection.h"

namespace ringpost::cli {

struct Field {
  enum class Type : uint8_t {
    kText,
    kChoice,  // `value` has them; the first is the usual one
    kCount,   // 0: none
    kFlag,
    kRate,       // {"count":100,"seconds":60}
    kRamp,       // {"first_day":200,"days":14,"begins":"2026-11-28"}
    kSeconds,    // 0: none
    kAddresses,  // {"mode":"allow|block|off","entries":[...]}; options --allow-X and --block-X
    kNetworks,   // a list
  };
  const char* member;  // on the wire
  const char* option;  // without dashes
  const char* label;   // in a view
  Type type;
  const char* value;  // what it takes, for the help
  const char* help;
  const char* usual;  // in words: what holds where it is not set
};

// Of records of a type: account, credential, sender.
std::span<const Field> FieldsOf(std::string_view type);

// What an option says, as the wire has it. Not OK: in words.
StatusOr<Json> ReadField(const Field& field, const std::string& text);
// Texts of lists: "a@b.example,example.com". Quoted local parts may hold commas.
Json SplitList(const std::vector<std::string>& texts);

// Whether a member says no more than what holds without it.
bool IsUsual(const Field& field, const Json& value);
// The member's value for people, on one line, safe for a terminal.
std::string FieldWords(const Field& field, const Json& value);

}  // namespace ringpost::cli
