// KnownAnswers: what the DNS has said so far, for whoever's next question follows from an answer.
//
//   KnownAnswers known;
//   while (true) {
//     auto result = Work(&known);              // asks by Find, makes do with what there is
//     auto wanted = known.TakeWanted();
//     if (wanted.empty()) return result;       // nothing more would change it
//     for (Answer& answer : resolver->AskAll(wanted)) known.Add(std::move(answer));
//   }
//
// It asks nobody itself, so that such work is a pure function, and has no bound: who asks has.
//
// Threads: one.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "gateway/dns/answer.h"

namespace ringpost::dns {

class KnownAnswers {
 public:
  // Null: it was not asked yet; it is wanted from now on.
  const Answer* Find(const Question& question);
  void Add(Answer answer);
  // Each once.
  std::vector<Question> TakeWanted();

 private:
  std::map<Question, Answer> known_;
  std::set<Question> wanted_;
};

}  // namespace ringpost::dns
