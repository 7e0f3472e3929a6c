#include "gateway/base/dane_policy.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace ringpost {

std::string TlsaText(const TlsaRecord& record, size_t data_bytes_max) {
  bool cut = record.data.size() > data_bytes_max;
  return absl::StrCat(int{record.usage}, " ", int{record.selector}, " ", int{record.matching_type},
                      record.data.empty() ? "" : " ",
                      absl::BytesToHexString(record.data.substr(0, data_bytes_max)),
                      cut ? "..." : "");
}

}  // namespace ringpost
