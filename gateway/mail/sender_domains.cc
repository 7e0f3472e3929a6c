#include "gateway/mail/sender_domains.h"

#include <absl/hash/hash.h>
#include <absl/strings/string_view.h>

#include "gateway/base/check.h"

namespace ringpost::mail {

size_t SenderDomains::NameHash::operator()(std::string_view name) const {
  return absl::HashOf(absl::string_view(name.data(), name.size()));
}

SenderDomains::SenderDomains() : by_name_(0, NameHash{this}, NameEqual{this}) {}

// --- Making

SenderDomains::Builder::Builder() : made_(new SenderDomains()) {}

SenderDomains::Builder::Builder(const SenderDomains& from) : made_(new SenderDomains()) {
  made_->rows_ = from.rows_;
  made_->free_ = from.free_;
  made_->names_ = from.names_;
  made_->by_name_.reserve(from.size());
  for (uint32_t row = 0; row < made_->rows_.size(); ++row) {
    if (made_->rows_[row].name_bytes > 0) made_->by_name_.insert(row);
  }
}

SenderDomains::Builder::~Builder() = default;

void SenderDomains::Builder::Put(std::string_view name, const Domain& domain) {
  RP_CHECK(!name.empty() && name.size() <= UINT8_MAX && domain.label.size() <= UINT8_MAX);
  auto found = made_->Find(name);
  uint32_t place = 0;
  if (found) {
    place = static_cast<uint32_t>(*made_->PlaceOf(name));
  } else if (!made_->free_.empty()) {
    place = made_->free_.back();
    made_->free_.pop_back();
  } else {
    place = static_cast<uint32_t>(made_->rows_.size());
    made_->rows_.emplace_back();
  }
  Row& row = made_->rows_[place];
  if (!found || found->label != domain.label) {  // a label is for life: little is left behind
    row.name_at = static_cast<uint32_t>(made_->names_.size());
    row.name_bytes = static_cast<uint8_t>(name.size());
    row.label_bytes = static_cast<uint8_t>(domain.label.size());
    made_->names_.append(name).append(domain.label);
  }
  row.region = domain.region & 0x7FFF;
  row.works = domain.works;
  row.account = domain.account;
  row.keys = domain.keys;
  if (!found) made_->by_name_.insert(place);
}

void SenderDomains::Builder::Remove(std::string_view name) {
  auto found = made_->by_name_.find(name);
  if (found == made_->by_name_.end()) return;
  uint32_t place = *found;
  made_->by_name_.erase(found);
  made_->rows_[place] = Row();
  made_->free_.push_back(place);
}

std::shared_ptr<const SenderDomains> SenderDomains::Builder::Build() && {
  made_->rows_.shrink_to_fit();
  made_->names_.shrink_to_fit();
  return std::move(made_);
}

// --- Finding

std::string_view SenderDomains::NameAt(size_t place) const {
  const Row& row = rows_[place];
  return std::string_view(names_).substr(row.name_at, row.name_bytes);
}

std::optional<size_t> SenderDomains::PlaceOf(std::string_view name) const {
  auto found = by_name_.find(name);
  return found == by_name_.end() ? std::nullopt : std::optional<size_t>(*found);
}

std::optional<SenderDomains::Domain> SenderDomains::Find(std::string_view name) const {
  auto place = PlaceOf(name);
  if (!place) return std::nullopt;
  const Row& row = rows_[*place];
  Domain domain;
  domain.label =
      std::string_view(names_).substr(size_t{row.name_at} + row.name_bytes, row.label_bytes);
  domain.account = row.account;
  domain.region = row.region;
  domain.works = row.works;
  domain.keys = row.keys;
  return domain;
}

size_t SenderDomains::bytes() const {
  return rows_.capacity() * sizeof(Row) + names_.capacity() + free_.capacity() * sizeof(uint32_t) +
         by_name_.capacity() * (sizeof(uint32_t) + 1);
}

}  // namespace ringpost::mail
