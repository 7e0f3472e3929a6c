#include "tools/ringpost/dns_input.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <optional>

#include "gateway/base/text.h"
#include "gateway/base/wipe.h"
#include "gateway/dns/name.h"
#include "tools/ringpost/text.h"
#include "tools/ringpost/view.h"

namespace ringpost::cli {
namespace {

// Of a key's file: a line of at most some hundred bytes, and what keymgr writes below it.
constexpr size_t kKeyFileBytesMax = 16'384;

using dns::RecordType;

std::optional<RecordType> TypeOf(const std::string& name) {
  for (RecordType type : {RecordType::kA, RecordType::kAaaa, RecordType::kNs, RecordType::kCname,
                          RecordType::kMx, RecordType::kTxt}) {
    if (dns::TypeName(type) == name) return type;
  }
  return std::nullopt;
}

ringpost::Status Invalid(const std::string& words) {
  return MakeStatus(StatusCode::kInvalidArgument, words);
}

template <typename Number>
bool ReadNumber(const Json& object, const char* member, Number* value) {
  auto found = object.find(member);
  if (found == object.end() || !found->is_number_unsigned()) return false;
  const auto number = found->get<uint64_t>();
  *value = static_cast<Number>(number);
  return number <= std::numeric_limits<Number>::max();
}

StatusOr<dns::Record> ReadRecord(const Json& json, const std::string& zone) {
  dns::Record record;
  record.owner = dns::CanonicalName(TextOf(json, "owner"));
  const std::string type = TextOf(json, "type");
  const std::string what = SafeText(record.owner + " " + type);
  auto known = TypeOf(type);
  if (!known) return Invalid("the record " + what + " is of a type that is not known here");
  record.type = *known;
  record.value = TextOf(json, "value");
  if (!ReadNumber(json, "ttl", &record.ttl_seconds)) {
    return Invalid("the record " + what + " has no lifetime");
  }
  if (record.type == RecordType::kMx && !ReadNumber(json, "preference", &record.preference)) {
    return Invalid("the record " + what + " has no preference");
  }
  if (ringpost::Status status = dns::CheckRecord(record); !status.ok()) return status;
  if (!dns::IsAtOrBelow(record.owner, zone)) {
    return Invalid("the record " + what + " is not in the zone " + SafeText(zone));
  }
  return record;
}

StatusOr<std::string> ReadSecretFile(const std::string& path) {
  auto trouble = [&] {
    return MakeStatus(StatusCode::kUnavailable,
                      "cannot read " + path + ": " + std::strerror(errno));
  };
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return trouble();
  struct stat info{};
  std::string text(kKeyFileBytesMax + 1, '\0');
  size_t have = 0;
  ssize_t n = ::fstat(fd, &info);
  if (n == 0 && (info.st_mode & 0077) != 0) {
    ::close(fd);
    return MakeStatus(StatusCode::kPermissionDenied,
                      "others than its owner may read or write " + path +
                          ": make another key if they could have, and chmod 600 its file");
  }
  while (n >= 0 && have < text.size()) {
    n = ::read(fd, text.data() + have, text.size() - have);
    if (n <= 0) break;
    have += static_cast<size_t>(n);
  }
  const ringpost::Status failed = n < 0 ? trouble() : OkStatus();
  ::close(fd);
  if (failed.ok() && have <= kKeyFileBytesMax) {
    text.resize(have);
    return text;
  }
  WipeString(&text);
  return failed.ok() ? Invalid(path + " is too long to hold nothing but a key") : failed;
}

}  // namespace

StatusOr<dns::Update> ReadZoneRecords(const Json& answer) {
  dns::Update update;
  update.zone = dns::CanonicalName(TextOf(answer, "zone"));
  auto records = answer.find("records");
  // Nothing to send is not what a daemon means that says something else.
  if (!dns::IsName(update.zone) || records == answer.end() || !records->is_array()) {
    return Invalid("the daemon's answer has no zone: is this ringpost older or newer than it?");
  }
  for (const Json& json : *records) {
    auto record = ReadRecord(json.is_object() ? json : Json::object(), update.zone);
    if (!record.ok()) return record.status();
    update.records.push_back(*std::move(record));
  }
  return update;
}

StatusOr<dns::TsigKey> ReadTsigKey(std::string_view text) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    line = TrimSpace(line);
    const bool comment = line.starts_with('#');
    if (comment) line = TrimSpace(line.substr(1));
    if (line.empty() || (comment && !line.starts_with("hmac-"))) continue;
    return dns::TsigKey::Parse(line);
  }
  return Invalid("there is no key in it: a line as hmac-sha256:NAME:BASE64");
}

StatusOr<dns::TsigKey> ReadTsigKeyFile(const std::string& path) {
  auto text = ReadSecretFile(path);
  if (!text.ok()) return text.status();
  WipedAtEnd wiped(&*text);
  auto key = ReadTsigKey(*text);
  if (key.ok()) return key;
  return Invalid(path + ": " + std::string(MessageOf(key.status())));
}

}  // namespace ringpost::cli
