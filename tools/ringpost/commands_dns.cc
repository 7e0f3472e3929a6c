// ringpost dns zone, push.
#include <algorithm>
#include <array>
#include <cstdio>

#include "gateway/base/ip_address.h"
#include "gateway/base/wipe.h"
#include "gateway/dns/update_client.h"
#include "gateway/tls/password_hash.h"
#include "tools/ringpost/commands.h"
#include "tools/ringpost/dns_input.h"
#include "tools/ringpost/exit_code.h"
#include "tools/ringpost/output_file.h"
#include "tools/ringpost/progress.h"
#include "tools/ringpost/session.h"
#include "tools/ringpost/text.h"
#include "tools/ringpost/view.h"

namespace ringpost::cli {
namespace {

int Failed(const Options& options, const ringpost::Status& status) {
  if (options.json) PrintJson(ErrorJson("unavailable", MessageOf(status)));
  Complain(SafeText(MessageOf(status)));
  return kRefused;
}

std::array<uint8_t, 32> Hmac(std::string_view key, std::string_view message) {
  return tls::HmacSha256(key, {message});
}

std::string CountRecords(uint64_t count) {
  return FormatCount(count) + (count == 1 ? " record" : " records");
}

// "2 of 3, 250 records from a.gw.example to k.gw.example"
std::string PartWords(const dns::Update& part, size_t index, size_t parts) {
  const auto [first, last] =
      std::minmax_element(part.records.begin(), part.records.end(),
                          [](const auto& a, const auto& b) { return a.owner < b.owner; });
  return std::to_string(index + 1) + " of " + std::to_string(parts) + ", " +
         CountRecords(part.records.size()) + " from " + first->owner + " to " + last->owner;
}

// What is wrong with one part, and not with the server or the key: the others may do.
bool IsOfOnePart(const ringpost::Status& status) {
  return status.code() == StatusCode::kFailedPrecondition ||
         status.code() == StatusCode::kInvalidArgument ||
         status.code() == StatusCode::kResourceExhausted;
}

class Push {
 public:
  Push(const Options& options, dns::Update update)
      : options_(options),
        zone_(update.zone),
        total_(update.records.size()),
        parts_(dns::SplitUpdate(update)) {}

  int Run(const dns::TsigKey& key) {
    const Endpoint server = *Endpoint::Parse(options_.server);
    Progress progress("sending", "records");
    for (size_t i = 0; i < parts_.size(); ++i) {
      ringpost::Status status = dns::SendUpdate(server, parts_[i], key, &Hmac);
      if (status.ok()) {
        sent_ += parts_[i].records.size();
        progress.Show(sent_);
        continue;
      }
      progress.Clear();
      Refused(i, status);
      if (!IsOfOnePart(status)) break;
    }
    progress.Clear();
    if (options_.json) {
      PrintEnd();
    } else {
      SayEnd();
    }
    return refused_.empty() ? kDone : sent_ > 0 ? kPartial : kRefused;
  }

 private:
  void Refused(size_t index, const ringpost::Status& status) {
    const std::string words = PartWords(parts_[index], index, parts_.size());
    Complain(SafeText("part " + words + ": " + std::string(MessageOf(status))));
    refused_.push_back({{"part", index + 1}, {"message", MessageOf(status)}});
  }

  void PrintEnd() const {
    Json end = {{"ok", refused_.empty()}, {"zone", zone_},          {"records", total_},
                {"sent", sent_},          {"parts", parts_.size()}, {"refused", refused_}};
    if (!refused_.empty()) {
      end["error"] = {{"code", sent_ > 0 ? "partial" : "refused"},
                      {"message", refused_[0]["message"]}};
    }
    PrintJson(end);
  }

  void SayEnd() const {
    const std::string zone = SafeText(zone_), to = " to " + SafeText(options_.server);
    if (total_ == 0) {
      Print("The zone " + zone + " has no records to send: no domain was added yet.\n");
    } else if (refused_.empty()) {
      Print("Sent " + CountRecords(total_) + " of the zone " + zone + to + ", which has them.\n");
    } else {
      Print((sent_ == 0 ? "None" : FormatCount(sent_)) + " of " + CountRecords(total_) +
            " of the zone " + zone + " went" + to +
            ". Once the cause is mended, send all again: "
            "what it has already does no harm.\n");
    }
  }

  const Options& options_;
  std::string zone_;
  size_t total_;
  std::vector<dns::Update> parts_;
  uint64_t sent_ = 0;
  Json refused_ = Json::array();
};

}  // namespace

int DnsZone(const Options& options) {
  const std::string path = options.file == "-" ? "" : options.file;
  Session session(options);
  auto answer = session.Ask({{"command", "dns zone"}});
  if (!answer) return session.code();
  const int code = session.CodeOf(*answer);
  if (options.json && (code != kDone || path.empty())) PrintJson(*answer);
  if (code != kDone || (options.json && path.empty())) return code;
  const std::string zone = TextOf(*answer, "zone");
  // A server that read an empty file would have nothing any more.
  if (zone.empty()) {
    return Failed(options, MakeStatus(StatusCode::kUnavailable,
                                      "the daemon's answer has no zone: is this ringpost older or "
                                      "newer than it?"));
  }
  OutputFile output(path, OutputFile::Readers::kUsual);
  ringpost::Status status = output.Open();
  if (status.ok()) status = output.Write(zone);
  if (status.ok()) status = output.Finish();
  if (!status.ok()) return Failed(options, status);
  if (path.empty()) return code;
  const auto lines = static_cast<uint64_t>(std::count(zone.begin(), zone.end(), '\n'));
  if (options.json) {
    PrintJson({{"ok", true}, {"file", path}, {"bytes", zone.size()}, {"lines", lines}});
  } else {
    Print("Wrote the zone to " + SafeText(path) + ": " + FormatCount(lines) +
          (lines == 1 ? " line" : " lines") + ". The server has to be told.\n");
  }
  return code;
}

int DnsPush(const Options& options) {
  auto key = ReadTsigKeyFile(options.tsig_key);
  if (!key.ok()) return Failed(options, key.status());
  WipedAtEnd wiped(&key->secret);
  Session session(options);
  auto answer = session.Ask({{"command", "dns records"}});
  if (!answer) return session.code();
  const int code = session.CodeOf(*answer);
  if (code != kDone) {
    if (options.json) PrintJson(*answer);
    return code;
  }
  auto update = ReadZoneRecords(*answer);
  if (!update.ok()) return Failed(options, update.status());
  return Push(options, *std::move(update)).Run(*key);
}

}  // namespace ringpost::cli
