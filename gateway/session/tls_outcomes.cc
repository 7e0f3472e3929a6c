#include "gateway/session/tls_outcomes.h"

#include <utility>

#include "gateway/mail/tls_report_limits.h"

namespace ringpost::session {

namespace limits = mail::limits;

struct TlsOutcomes::Item : Posted {
  TlsOutcome outcome;
};

TlsOutcomes::~TlsOutcomes() {
  Take([](const TlsOutcome&) {});
}

void TlsOutcomes::Record(TlsOutcome outcome) {
  bool fits = !outcome.domain.empty() && outcome.domain.size() <= limits::kTlsNameBytesMax;
  if (!fits || waiting_.fetch_add(1, std::memory_order_relaxed) >= limits::kTlsOutcomesWaitingMax) {
    if (fits) waiting_.fetch_sub(1, std::memory_order_relaxed);
    lost_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  auto cut = [](std::string* text, size_t bytes_max) {
    if (text->size() > bytes_max) text->resize(bytes_max);
  };
  cut(&outcome.event.mx_host, limits::kTlsNameBytesMax);
  cut(&outcome.event.helo, limits::kTlsNameBytesMax);
  cut(&outcome.event.reason, limits::kTlsReasonBytesMax);
  auto* item = new Item;
  item->outcome = std::move(outcome);
  inbox_.Post(item);
}

size_t TlsOutcomes::Take(const std::function<void(const TlsOutcome& outcome)>& each) {
  size_t count = 0;
  for (Posted* posted = inbox_.TakeAll(); posted; ++count) {
    std::unique_ptr<Item> item(static_cast<Item*>(posted));
    posted = posted->next;
    waiting_.fetch_sub(1, std::memory_order_relaxed);
    each(item->outcome);
  }
  return count;
}

}  // namespace ringpost::session
