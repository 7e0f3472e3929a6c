// ringpost bounce classify: no daemon is asked.
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "gateway/app/config_bounces.h"
#include "gateway/base/text.h"
#include "gateway/mail/bounce_limits.h"
#include "tools/ringpost/commands.h"
#include "tools/ringpost/exit_code.h"
#include "tools/ringpost/session.h"
#include "tools/ringpost/text.h"

namespace ringpost::cli {
namespace {

using mail::BounceClasses;

// The start of the file, as much of it as is looked at.
bool ReadStart(const std::string& path, std::string* text) {
  std::FILE* file = path == "-" ? stdin : std::fopen(path.c_str(), "rb");
  if (!file) return false;
  text->resize(mail::limits::kBounceBytesMax);
  size_t got = std::fread(text->data(), 1, text->size(), file);
  bool fine = !std::ferror(file);
  text->resize(got);
  if (file != stdin) std::fclose(file);
  return fine;
}

Json ReplyJson(const smtp::Reply& reply) {
  Json json;
  json["code"] = reply.code;
  json["status"] = reply.enhanced.ToString();
  json["text"] = reply.text;
  return json;
}

std::string_view ActionWord(const mail::BouncedRecipient& recipient) {
  constexpr std::string_view kWords[] = {"failed", "delayed", "delivered", "relayed", "expanded"};
  return kWords[static_cast<size_t>(recipient.action)];
}

// One verdict as JSON and for people.
class Verdicts {
 public:
  Verdicts(const BounceClasses& classes, std::string file)
      : classes_(classes), file_(std::move(file)) {}

  void Add(const mail::BouncedRecipient& recipient) {
    Json json;
    json["recipient"] = recipient.address();
    json["action"] = ActionWord(recipient);
    json["status"] = recipient.status.ToString();
    json["reply"] = ReplyJson(recipient.diagnosis);
    text_ += recipient.address().empty() ? std::string("every recipient")
                                         : SafeText(recipient.address());
    text_ += ": " + std::string(ActionWord(recipient)) + "\n";
    AddReply(recipient.diagnosis, recipient.status);
    // What goes on, or has arrived, has no class.
    if (recipient.failed()) AddClass(classes_.Classify(recipient), &json);
    json_.push_back(std::move(json));
  }
  void Add(const smtp::Reply& reply) {
    Json json;
    json["reply"] = ReplyJson(reply);
    AddReply(reply, reply.enhanced);
    AddClass(classes_.Classify(reply.code, reply.enhanced, reply.text), &json);
    json_.push_back(std::move(json));
  }
  const Json& json() const { return json_; }
  const std::string& text() const { return text_; }

 private:
  void AddReply(const smtp::Reply& reply, const smtp::EnhancedCode& status) {
    text_ += "  said:  ";
    if (reply.code != 0) text_ += std::to_string(reply.code) + " ";
    const smtp::EnhancedCode& shown = reply.enhanced.present() ? reply.enhanced : status;
    if (shown.present()) text_ += shown.ToString() + " ";
    text_ += SafeText(reply.text) + "\n";
  }
  void AddClass(const BounceClasses::Result& result, Json* json) {
    std::string_view name = mail::BounceClassName(result.klass);
    (*json)["class"] = name;
    (*json)["rule_line"] = result.line;
    text_ += "  class: " + std::string(name) + ", ";
    text_ += result.line == 0
                 ? "since no rule says more\n"
                 : "by the rule at line " + std::to_string(result.line) + " of " + file_ + "\n";
  }

  const BounceClasses& classes_;
  std::string file_, text_;
  Json json_ = Json::array();
};

void AddFeedback(const mail::FeedbackFacts& feedback, Json* json, std::string* text) {
  (*json)["feedback_type"] = feedback.type;
  (*json)["recipients"] = feedback.recipients;
  (*json)["mail_from"] = feedback.mail_from;
  *text += "type: " + SafeText(feedback.type) + "\n";
  for (const std::string& one : feedback.recipients) *text += "recipient: " + SafeText(one) + "\n";
}

int Complaint(const Options& options, const std::string& words) {
  if (options.json) PrintJson(ErrorJson("unavailable", words));
  Complain(SafeLines(words));
  return kRefused;
}

}  // namespace

int BounceClassify(const Options& options) {
  std::shared_ptr<const BounceClasses> classes = app::DefaultBounceClasses();
  if (!options.classes.empty()) {
    auto loaded = app::LoadBounceClasses(options.classes);
    if (!loaded.ok()) return Complaint(options, std::string(MessageOf(loaded.status())));
    classes = *std::move(loaded);
  }
  std::string input;
  if (!ReadStart(options.file, &input)) {
    return Complaint(options, "cannot read " + options.file + ": " + std::strerror(errno));
  }
  Verdicts verdicts(*classes, options.classes.empty() ? "bounce-classes.toml" : options.classes);
  Json json;
  std::string text;
  smtp::Reply reply = mail::ReadBounceReply(input);
  bool failed = true;
  if (reply.code != 0) {
    json["kind"] = "reply";
    verdicts.Add(reply);
  } else {
    mail::BounceFacts facts = mail::ReadBounce(input);
    json["kind"] = mail::BounceKindName(facts.kind);
    json["message_id"] = facts.message_id;
    json["return_path"] = facts.return_path;
    text = "kind: " + std::string(mail::BounceKindName(facts.kind)) + "\n";
    if (!facts.message_id.empty()) text += "about: " + SafeText(facts.message_id) + "\n";
    if (facts.kind == mail::BounceKind::kFeedback) AddFeedback(facts.feedback, &json, &text);
    for (const mail::BouncedRecipient& one : facts.recipients) verdicts.Add(one);
    if (facts.all) verdicts.Add(*facts.all);
    failed = facts.kind != mail::BounceKind::kOther;
  }
  json["verdicts"] = verdicts.json();
  options.json ? PrintJson(json) : Print(text + verdicts.text());
  return failed ? kDone : kRefused;
}

}  // namespace ringpost::cli
