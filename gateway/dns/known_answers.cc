#include "gateway/dns/known_answers.h"

#include <utility>

namespace ringpost::dns {

const Answer* KnownAnswers::Find(const Question& question) {
  auto found = known_.find(question);
  if (found != known_.end()) return &found->second;
  wanted_.insert(question);
  return nullptr;
}

void KnownAnswers::Add(Answer answer) {
  Question question = answer.question;
  wanted_.erase(question);
  known_.insert_or_assign(std::move(question), std::move(answer));
}

std::vector<Question> KnownAnswers::TakeWanted() {
  std::vector<Question> wanted(wanted_.begin(), wanted_.end());
  wanted_.clear();
  return wanted;
}

}  // namespace ringpost::dns
