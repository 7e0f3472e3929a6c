#include "gateway/identity/dmarc_advice.h"

#include <gtest/gtest.h>

namespace ringpost::identity {
namespace {

std::vector<std::string> Names(std::string_view domain) {
  std::vector<std::string> names;
  for (const dns::Question& question : DmarcQuestions(domain)) names.push_back(question.name);
  return names;
}

// Answers in order: a text, several with '|' between them, or "" for none, "!" for a failure.
std::vector<std::string> Advice(const std::vector<std::string>& texts) {
  std::vector<dns::Question> questions = DmarcQuestions("mail.customer.example");
  std::vector<dns::Answer> answers;
  for (size_t i = 0; i < questions.size(); ++i) {
    dns::Answer answer;
    answer.question = questions[i];
    answer.outcome = dns::Answer::Outcome::kNoName;
    std::string text = i < texts.size() ? texts[i] : "";
    while (!text.empty()) {
      size_t bar = std::min(text.find('|'), text.size());
      answer.outcome = dns::Answer::Outcome::kRecords;
      answer.records.push_back(
          {questions[i].name, dns::RecordType::kTxt, 60, 0, text.substr(0, bar)});
      text.erase(0, bar + 1);
    }
    if (i < texts.size() && texts[i] == "!") answer = dns::FailedAnswer(questions[i], "SERVFAIL");
    answers.push_back(answer);
  }
  return DmarcAdvice("mail.customer.example", answers);
}

TEST(DmarcAdviceTest, WalksUpTheTree) {
  EXPECT_EQ(Names("a.b.example"),
            (std::vector<std::string>{"_dmarc.a.b.example", "_dmarc.b.example", "_dmarc.example"}));
  // RFC 9989 section 4.10's example: eight questions for thirteen labels.
  EXPECT_EQ(
      Names("a.b.c.d.e.f.g.h.i.j.mail.example.com"),
      (std::vector<std::string>{"_dmarc.a.b.c.d.e.f.g.h.i.j.mail.example.com",
                                "_dmarc.g.h.i.j.mail.example.com", "_dmarc.h.i.j.mail.example.com",
                                "_dmarc.i.j.mail.example.com", "_dmarc.j.mail.example.com",
                                "_dmarc.mail.example.com", "_dmarc.example.com", "_dmarc.com"}));
}

TEST(DmarcAdviceTest, SaysWhatMatters) {
  EXPECT_TRUE(Advice({"v=DMARC1; p=reject"}).empty());
  EXPECT_TRUE(Advice({"", "v=DMARC1; p=none; sp=quarantine"}).empty());
  EXPECT_TRUE(Advice({"unrelated|V=DMARC1; p=none|v = DMARC1 ;p= Reject; aspf=r"}).empty());
  EXPECT_NE(Advice({"", "", ""}).at(0).find("\"v=DMARC1; p=none\" at _dmarc.mail.customer.example"),
            std::string::npos);
  EXPECT_NE(Advice({"v=DMARC1; p=none|v=DMARC1; p=reject"}).at(0).find("count as none"),
            std::string::npos);
  EXPECT_NE(Advice({"v=DMARC1; p=maybe; broken"}).at(0).find("counts as p=none"),
            std::string::npos);
  EXPECT_NE(Advice({"v=DMARC1; p=none; aspf=s"}).at(0).find("by DKIM alone"), std::string::npos);
  EXPECT_NE(Advice({"!"}).at(0).find("SERVFAIL"), std::string::npos);
  EXPECT_NE(Advice({"v=DMARC1x; p=none", ""}).at(0).find("no DMARC policy"), std::string::npos);
}

}  // namespace
}  // namespace ringpost::identity
