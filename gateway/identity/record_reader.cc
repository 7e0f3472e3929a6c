#include "gateway/identity/record_reader.h"

#include <algorithm>

#include "gateway/base/limits.h"
#include "gateway/base/text.h"

namespace ringpost::identity {
namespace {

constexpr size_t kShownBytes = 64;

bool IsPlainText(std::string_view text) {
  return IsUtf8(text) && std::none_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
         });
}

}  // namespace

RecordReader::RecordReader(const Json& object, std::string_view what)
    : object_(object), what_(what) {
  if (!object.is_object()) {
    status_ = MakeStatus(StatusCode::kInvalidArgument, what_ + " is a JSON object");
  }
}

void RecordReader::Fail(std::string_view name, const std::string& words) {
  if (!status_.ok()) return;
  status_ = MakeStatus(StatusCode::kInvalidArgument,
                       what_ + "'s \"" + Printable(name, kShownBytes) + "\" " + words);
}

const Json* RecordReader::Find(std::string_view name) {
  asked_.emplace(name);
  if (!status_.ok()) return nullptr;
  auto found = object_.find(std::string(name));
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

void RecordReader::Text(std::string_view name, size_t bytes_max, std::string* to) {
  const Json* value = Find(name);
  if (!value) return;
  const auto* text = value->get_ptr<const std::string*>();
  if (text && text->size() <= bytes_max && IsPlainText(*text)) {
    *to = *text;
  } else {
    Fail(name,
         "is text of at most " + std::to_string(bytes_max) + " bytes without control characters");
  }
}

void RecordReader::Number(std::string_view name, uint32_t max, uint32_t* to) {
  const Json* value = Find(name);
  if (!value) return;
  if (value->is_number_unsigned() && value->get<uint64_t>() <= max) {
    *to = value->get<uint32_t>();
  } else {
    Fail(name, "is a whole number from 0 to " + std::to_string(max));
  }
}

void RecordReader::Flag(std::string_view name, bool* to) {
  const Json* value = Find(name);
  if (!value) return;
  if (value->is_boolean()) {
    *to = value->get<bool>();
  } else {
    Fail(name, "is true or false");
  }
}

void RecordReader::Texts(std::string_view name, size_t count_max, std::vector<std::string>* to) {
  const Json* value = Find(name);
  if (!value) return;
  bool fine = value->is_array() && value->size() <= count_max;
  if (fine) {
    for (const Json& one : *value) {
      const auto* text = one.get_ptr<const std::string*>();
      fine = text && IsPlainText(*text) && text->size() <= limits::kPathBytesMax;
      if (!fine) break;
      to->push_back(*text);
    }
  }
  if (!fine) Fail(name, "is a list of at most " + std::to_string(count_max) + " texts");
}

void RecordReader::List(std::string_view name, ListRecord* to) {
  const Json* value = Find(name);
  if (!value) return;
  RecordReader list(*value, what_ + "'s list of " + std::string(name));
  list.Choice<ListMode>("mode", kListModes, &to->mode);
  list.Texts("entries", limits::kListEntriesMax, &to->entries);
  Status status = list.Finish();
  // Each is looked at here, so that the words can say whose it is.
  if (status.ok()) {
    if (auto made = AddressList::Make(to->mode, to->entries); !made.ok()) {
      Fail(name, "cannot be taken: " + std::string(MessageOf(made.status())));
    }
  } else if (status_.ok()) {
    status_ = status;
  }
}

void RecordReader::Rate(std::string_view name, RateLimit* to) {
  const Json* value = Find(name);
  if (!value) return;
  uint32_t seconds = 1;
  RecordReader rate(*value, what_ + "'s \"" + std::string(name) + "\"");
  rate.Number("count", UINT32_MAX, &to->count);
  rate.Number("seconds", limits::kRatePeriodSecondsMax, &seconds);
  if (seconds == 0) rate.Fail("seconds", "is at least 1");
  to->period = Seconds(seconds);
  if (Status status = rate.Finish(); !status.ok() && status_.ok()) status_ = status;
}

void RecordReader::RampOf(std::string_view name, Ramp* to) {
  const Json* value = Find(name);
  if (!value) return;
  std::string begins;
  RecordReader ramp(*value, what_ + "'s \"" + std::string(name) + "\"");
  ramp.Number("first_day", UINT32_MAX, &to->first_day);
  ramp.Number("days", limits::kRampDaysMax, &to->days);
  ramp.Text("begins", 10, &begins);
  if (to->limited() && to->days == 0) ramp.Fail("days", "is at least 1");
  if (!begins.empty()) {
    auto day = ParseDay(begins);
    if (!day) ramp.Fail("begins", "is a day such as \"2026-11-28\"");
    to->begins = day.value_or(0);
  }
  if (!to->limited()) *to = Ramp();
  if (Status status = ramp.Finish(); !status.ok() && status_.ok()) status_ = status;
}

Status RecordReader::Finish() {
  if (!status_.ok()) return status_;
  for (const auto& [name, value] : object_.items()) {
    if (asked_.contains(name)) continue;
    std::string known;
    for (const std::string& one : asked_) known += (known.empty() ? "\"" : ", \"") + one + "\"";
    return MakeStatus(StatusCode::kInvalidArgument,
                      what_ + " has no \"" + Printable(name, kShownBytes) + "\"; it has " + known);
  }
  return OkStatus();
}

}  // namespace ringpost::identity
