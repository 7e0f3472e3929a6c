// A DNS of a test's own: records as lines, failures by name; all else is not there.
#pragma once

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "gateway/dns/known_answers.h"

namespace ringpost::identity {

class World {
 public:
  // "customer.example TXT v=spf1 -all", "a.example CNAME b.example", "a.example MX mx.example".
  void Has(const std::string& line) {
    std::istringstream words(line);
    std::string name, type, value;
    words >> name >> type >> std::ws;
    std::getline(words, value);
    records_[{name, type}].push_back(value);
  }
  void Drop(const std::string& name, const std::string& type) { records_.erase({name, type}); }
  void Fail(const std::string& name) { failing_.push_back(name); }

  dns::Answer Ask(const dns::Question& question) const {
    for (const std::string& name : failing_) {
      if (question.name == name) return dns::FailedAnswer(question, "SERVFAIL");
    }
    dns::Answer answer;
    answer.question = question;
    answer.outcome = dns::Answer::Outcome::kNoName;
    std::string name = question.name;
    for (auto alias = records_.find({name, "CNAME"}); alias != records_.end();
         alias = records_.find({name, "CNAME"})) {
      answer.aliases.push_back({name, alias->second[0]});
      name = alias->second[0];
    }
    auto found = records_.find({name, dns::TypeName(question.type)});
    if (found == records_.end()) return answer;
    answer.outcome = dns::Answer::Outcome::kRecords;
    for (const std::string& value : found->second) {
      answer.records.push_back({name, question.type, 60, 10, value});
    }
    return answer;
  }
  // `work(&known)` until it wants nothing more.
  auto Settle(const auto& work) {
    dns::KnownAnswers known;
    for (rounds_ = 0;; ++rounds_) {
      auto result = work(&known);
      std::vector<dns::Question> wanted = known.TakeWanted();
      if (wanted.empty()) return result;
      for (const dns::Question& question : wanted) known.Add(Ask(question));
    }
  }
  int rounds() const { return rounds_; }

 private:
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> records_;
  std::vector<std::string> failing_;
  int rounds_ = 0;
};

}  // namespace ringpost::identity
