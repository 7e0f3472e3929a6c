#include "tools/ringpost/document_reader.h"

#include <array>
#include <limits>
#include <optional>
#include <streambuf>
#include <string>
#include <utility>
#include <vector>

#include "gateway/base/text.h"
#include "tools/ringpost/text.h"

namespace ringpost::cli {
namespace {

struct SectionNames {
  const char* name;
  const char* type;
};
constexpr std::array<SectionNames, kDocumentSections> kSections = {{{"accounts", "account"},
                                                                    {"senders", "sender"},
                                                                    {"credentials", "credential"},
                                                                    {"domains", "domain"}}};

// The document's bytes as the parser takes them. It ends where nobody has said Mark() for longer
// than a record may be: a string without end would be collected whole by the parser.
class BoundedBuffer final : public std::streambuf {
 public:
  explicit BoundedBuffer(const DocumentSource& source) : source_(source) {}

  void Mark() { unmarked_ = static_cast<size_t>(egptr() - gptr()); }
  bool too_long() const { return too_long_; }
  const Status& trouble() const { return trouble_; }

 private:
  int_type underflow() override {
    if (unmarked_ > kDocumentRecordBytesMax) too_long_ = true;
    if (too_long_ || !trouble_.ok()) return traits_type::eof();
    auto filled = source_(buffer_.data(), buffer_.size());
    if (!filled.ok()) trouble_ = filled.status();
    if (!filled.ok() || *filled == 0) return traits_type::eof();
    unmarked_ += *filled;
    setg(buffer_.data(), buffer_.data(), buffer_.data() + *filled);
    return traits_type::to_int_type(*gptr());
  }

  const DocumentSource& source_;
  std::array<char, 64 * 1024> buffer_;
  size_t unmarked_ = 0;  // bytes since the last mark, what is in the buffer among them
  bool too_long_ = false;
  Status trouble_ = OkStatus();
};

// Where in a document the parser is: the events of the parser in, records out.
class Handler final : public nlohmann::json_sax<Json> {
 public:
  Handler(BoundedBuffer* buffer, const DocumentSink& sink) : buffer_(buffer), sink_(sink) {}

  bool null() override { return Value(nullptr); }
  bool boolean(bool value) override { return Value(value); }
  bool number_integer(number_integer_t value) override { return Value(value); }
  bool number_unsigned(number_unsigned_t value) override { return Value(value); }
  bool number_float(number_float_t value, const string_t&) override { return Value(value); }
  bool string(string_t& value) override { return Value(std::move(value)); }
  bool binary(binary_t&) override { return false; }  // not in JSON

  bool start_object(std::size_t) override;
  bool key(string_t& name) override;
  bool end_object() override;
  bool start_array(std::size_t) override;
  bool end_array() override;
  bool parse_error(std::size_t, const std::string&,
                   const nlohmann::detail::exception& error) override;

  // Why it ended, where that was here.
  Status why() const { return why_; }
  bool complete() const { return place_ == Place::kBehind; }

 private:
  enum class Place : uint8_t {
    kBefore,   // the document's first brace
    kMembers,  // of the document
    kRecords,  // of a section
    kRecord,   // inside of one
    kBehind,
  };

  bool Fail(const std::string& words) {
    why_ = MakeStatus(StatusCode::kInvalidArgument, words);
    return false;
  }
  std::string Where() const;
  bool Value(Json value);
  bool TopValue(const Json& value);
  bool Section(const std::string& name);
  bool EndRecord();
  // A value inside of a record; null: it has no place there, which has been said.
  Json* Put(Json value);

  BoundedBuffer* buffer_;
  const DocumentSink& sink_;
  Status why_ = OkStatus();
  Place place_ = Place::kBefore;
  std::string member_;  // of the document
  bool versioned_ = false;
  size_t sections_begun_ = 0;  // all before this one may not come any more
  uint64_t number_ = 0;
  Json record_;
  // The objects and lists that are open, from the record inwards. Only the innermost grows, so that
  // none of the others moves.
  std::vector<Json*> open_;
  std::string key_;
};

std::string Handler::Where() const {
  if (place_ != Place::kRecords && place_ != Place::kRecord) return "";
  const uint64_t number = place_ == Place::kRecords ? number_ + 1 : number_;
  return std::string(kSections[sections_begun_ - 1].type) + " number " + FormatCount(number) + ": ";
}

bool Handler::start_object(std::size_t) {
  switch (place_) {
    case Place::kBefore:
      place_ = Place::kMembers;
      return true;
    case Place::kMembers:
      return TopValue(Json::object());
    case Place::kRecords:
      place_ = Place::kRecord;
      ++number_;
      record_ = Json::object();
      open_.assign(1, &record_);
      return true;
    case Place::kRecord:
    case Place::kBehind:
      break;
  }
  Json* put = Put(Json::object());
  if (put) open_.push_back(put);
  return put;
}

bool Handler::key(string_t& name) {
  if (place_ == Place::kMembers) {
    member_ = std::move(name);
    return true;
  }
  const Json& object = *open_.back();
  const std::string shown = SafeText(Fit(name, 64));
  if (object.contains(name)) return Fail(Where() + "\"" + shown + "\" is there twice");
  if (object.size() >= kDocumentMembersMax) {
    return Fail(Where() + "more than " + std::to_string(kDocumentMembersMax) +
                " members in one object");
  }
  key_ = std::move(name);
  return true;
}

bool Handler::end_object() {
  if (place_ == Place::kMembers) {
    if (!versioned_) return TopValue(nullptr);
    place_ = Place::kBehind;
    return true;
  }
  open_.pop_back();
  return open_.empty() ? EndRecord() : true;
}

bool Handler::start_array(std::size_t) {
  if (place_ == Place::kMembers) return Section(member_);
  if (place_ != Place::kRecord) return Value(Json::array());
  Json* put = Put(Json::array());
  if (put) open_.push_back(put);
  return put;
}

bool Handler::end_array() {
  if (place_ == Place::kRecords) {
    place_ = Place::kMembers;
    buffer_->Mark();
    return true;
  }
  open_.pop_back();
  return true;
}

bool Handler::Value(Json value) {
  switch (place_) {
    case Place::kBefore:
    case Place::kBehind:
      return Fail("is not a document of ringpost: it begins with {\"ringpost\":1");
    case Place::kMembers:
      return TopValue(value);
    case Place::kRecords:
      return Fail(Where() + "is not an object");
    case Place::kRecord:
      break;
  }
  return Put(std::move(value));
}

// A member of the document that is no section.
bool Handler::TopValue(const Json& value) {
  if (!versioned_) {
    if (member_ != "ringpost")
      return Fail("is not a document of ringpost: its first member is not \"ringpost\"");
    if (!value.is_number_unsigned() || value != kDocumentVersion) {
      return Fail("has a version of the document that this ringpost does not read: it reads " +
                  std::to_string(kDocumentVersion));
    }
    versioned_ = true;
    return true;
  }
  if (member_ == "exported" && value.is_string() && sections_begun_ == 0) return true;
  return Section(member_) ? Fail("\"" + member_ + "\" is not a list of records") : false;
}

// A section's list begins, if `name` is that of one that may come now.
bool Handler::Section(const std::string& name) {
  if (!versioned_) return TopValue(nullptr);
  for (size_t i = 0; i < kDocumentSections; ++i) {
    if (name != kSections[i].name) continue;
    if (i < sections_begun_) {
      return Fail("\"" + name + "\" is behind \"" + kSections[sections_begun_ - 1].name +
                  "\": accounts come first, then senders, then credentials, each once");
    }
    sections_begun_ = i + 1;
    number_ = 0;
    place_ = Place::kRecords;
    buffer_->Mark();
    return true;
  }
  return Fail("has a member that is not known here: \"" + SafeText(Fit(name, 64)) +
              "\"; there are ringpost, exported, accounts, senders, credentials, in this order");
}

bool Handler::EndRecord() {
  place_ = Place::kRecords;
  buffer_->Mark();
  const auto section = static_cast<DocumentSection>(sections_begun_ - 1);
  auto type = record_.find("type");
  if (type == record_.end()) {
    record_["type"] = SectionType(section);
  } else if (*type != SectionType(section)) {
    --number_;
    return Fail(Where() + "is of another \"type\" than its list");
  }
  if (sink_(section, number_, std::move(record_))) return true;
  why_ = MakeStatus(StatusCode::kCancelled, "");
  return false;
}

Json* Handler::Put(Json value) {
  // The document and its section are two.
  if (value.is_structured() && open_.size() + 3 > kDocumentDepthMax) {
    Fail(Where() + "objects and lists are more than " + std::to_string(kDocumentDepthMax) +
         " deep");
    return nullptr;
  }
  Json* parent = open_.back();
  if (parent->is_array()) {
    parent->push_back(std::move(value));
    return &parent->back();
  }
  return &((*parent)[key_] = std::move(value));
}

// The parser's own words quote the document, which may hold secrets: only the place is taken.
bool Handler::parse_error(std::size_t, const std::string&,
                          const nlohmann::detail::exception& error) {
  const std::string_view words = error.what();
  if (buffer_->too_long()) {
    return Fail(Where() + "is longer than " + std::to_string(kDocumentRecordBytesMax) +
                " bytes, the most that a request holds");
  }
  if (words.find("unexpected end of input") != std::string_view::npos ||
      words.find("missing closing quote") != std::string_view::npos) {
    return Fail(Where() + "the document ends in the middle: it was cut off");
  }
  const size_t line = words.find("line "), end = words.find(':', line);
  return Fail(Where() + "is not JSON" +
              (line < end && end != std::string_view::npos
                   ? " at " + std::string(words.substr(line, end - line))
                   : ""));
}

}  // namespace

const char* SectionName(DocumentSection section) {
  return kSections[static_cast<size_t>(section)].name;
}
const char* SectionType(DocumentSection section) {
  return kSections[static_cast<size_t>(section)].type;
}

Status ReadDocument(const DocumentSource& source, const DocumentSink& sink) {
  BoundedBuffer buffer(source);
  Handler handler(&buffer, sink);
  std::istream stream(&buffer);
  Json::sax_parse(stream, &handler);
  if (!buffer.trouble().ok()) return buffer.trouble();
  if (!handler.why().ok()) return handler.why();
  if (handler.complete()) return OkStatus();
  return MakeStatus(StatusCode::kInvalidArgument, "is not a document of ringpost");
}

}  // namespace ringpost::cli
