// Bounces that are no DSN: what the text for people says. Private to bounce_*.cc.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/mail/bounce_reader.h"

namespace ringpost::mail {

struct BounceText {
  std::vector<BouncedRecipient> recipients;
  bool cut = false;           // there were more
  bool words = false;         // of failure, or of delay
  bool delayed = false;       // it goes on being tried
  smtp::Reply said;           // the first reply of a server in it; code 0: all of it that is kept
  std::string_view original;  // behind the line that announces it; empty: there is none
};
// `text` outlives the result.
BounceText ReadBounceText(std::string_view subject, std::string_view text);

// What a reader of `html` would see, its lines where the marks make some.
std::string TextOfHtml(std::string_view html);

}  // namespace ringpost::mail
