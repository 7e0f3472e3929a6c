// The command line of ringpost account, credential, sender, audit.
#include "tools/ringpost/command_line.h"
#include "tools/ringpost/record_fields.h"

namespace ringpost::cli {
namespace {

using Strings = std::vector<std::string>;

void AddKind(CommandLine* line, CLI::App* command, const char* help) {
  command->add_option("--kind", line->options()->kind, help)
      ->type_name("user|api_key|network|address")
      ->check(CLI::IsMember({"user", "api_key", "network", "address"}).description(""));
}

// --no-X: the member goes back to what holds without it.
CLI::Option* AddClearing(CommandLine* line, CLI::App* command, const Field& field,
                         const std::string& name) {
  return command->add_flag_callback(
      "--no-" + name, [line, member = field.member] { line->options()->fields[member] = nullptr; },
      "back to: " + std::string(field.usual));
}

// --allow-X ... | --block-X ...
void AddAddresses(CommandLine* line, CLI::App* command, const Field& field, bool clears) {
  std::vector<CLI::Option*> options;
  for (const char* mode : {"allow", "block"}) {
    auto write = [line, mode, member = field.member](const Strings& texts) {
      line->options()->fields[member] = {{"mode", mode}, {"entries", SplitList(texts)}};
    };
    options.push_back(command
                          ->add_option_function<Strings>(
                              "--" + std::string(mode) + "-" + field.option, write, field.help)
                          ->type_name(field.value)
                          ->check(RefuseEmpty)
                          ->allow_extra_args(false));  // NAME may come behind it
  }
  if (clears) options.push_back(AddClearing(line, command, field, field.member));
  for (CLI::Option* one : options) {
    for (CLI::Option* other : options) {
      if (one != other) one->excludes(other);
    }
  }
}

void AddField(CommandLine* line, CLI::App* command, const Field& field, bool clears) {
  const std::string option = "--" + std::string(field.option);
  if (field.type == Field::Type::kAddresses) return AddAddresses(line, command, field, clears);
  if (field.type == Field::Type::kFlag) {
    command->add_flag_callback(
        option, [line, member = field.member] { line->options()->fields[member] = true; },
        field.help);
    if (clears) {
      command->get_option(option)->excludes(AddClearing(line, command, field, field.option));
    }
    return;
  }
  auto write = [line, &field](const std::string& text) {
    auto value = ReadField(field, text);
    if (!value.ok()) {
      throw CLI::ValidationError("--" + std::string(field.option),
                                 std::string(MessageOf(value.status())));
    }
    line->options()->fields[field.member] = *std::move(value);
  };
  CLI::Option* given = command->add_option_function<std::string>(option, write, field.help)
                           ->type_name(field.value)
                           ->check(RefuseEmpty);
  if (field.type == Field::Type::kChoice) {
    Strings choices;
    for (std::string rest = field.value; !rest.empty();) {
      const size_t end = rest.find('|');
      choices.push_back(rest.substr(0, end));
      rest = end == std::string::npos ? "" : rest.substr(end + 1);
    }
    given->check(CLI::IsMember(choices).description(""));
  } else if (clears) {
    given->excludes(AddClearing(line, command, field, field.option));
  }
}

void AddFields(CommandLine* line, CLI::App* command, const char* type, bool clears) {
  for (const Field& field : FieldsOf(type)) AddField(line, command, field, clears);
}

void AddListAndRemove(CommandLine* line, CLI::App* group, const char* type) {
  Options* options = line->options();
  CLI::App* list =
      line->Add(group, "list", "All of them, by name", [=] { return RecordList(type, *options); });
  list->add_option("--limit", options->limit, "show at most so many")->type_name("N");
  if (std::string_view(type) != "account")
    AddAccountOption(line, list, "only those of this account");
  if (std::string_view(type) == "credential") AddKind(line, list, "only these");
  line->AddNamed(group, "remove", "Remove it; asks", [=] { return RecordRemove(type, *options); })
      ->add_flag("--yes,-y", options->yes, "do not ask");
}

// A command that sets one member: block.
CLI::App* AddShorthand(CommandLine* line, CLI::App* group, const char* type, const char* name,
                       const char* help, const char* member, Json value) {
  Options* options = line->options();
  return line->AddNamed(group, name, help, [=, value = std::move(value)] {
    options->fields[member] = value;
    return RecordSet(type, *options);
  });
}

void AddDocuments(CommandLine* line, CLI::App* account) {
  Options* options = line->options();
  CLI::App* out = line->Add(account, "export", "Write all accounts, senders and credentials",
                            [=] { return AccountExport(*options); });
  out->add_option("FILE", options->file, "where to; without it: standard output");
  out->add_flag("--secrets", options->secrets, "with what passwords and keys are checked against");
  CLI::App* in = line->Add(account, "import", "Add or replace what an export has",
                           [=] { return AccountImport(*options); });
  in->add_option("FILE", options->file, "an export; \"-\" is standard input")
      ->required()
      ->check(RefuseEmpty);
  in->add_flag("--dry-run", options->dry_run, "say what would be done, and do nothing");
}

void AddAccountGroup(CommandLine* line) {
  Options* options = line->options();
  CLI::App* account = line->Group("account", "Accounts: who sends, and what they may");
  AddFields(line,
            line->AddNamed(account, "add", "Add an account",
                           [=] { return RecordAdd("account", *options); }),
            "account", /*clears=*/false);
  AddFields(line,
            line->AddNamed(account, "set", "Change what is given, and nothing else",
                           [=] { return RecordSet("account", *options); }),
            "account", /*clears=*/true);
  line->AddNamed(account, "show", "All about an account",
                 [=] { return RecordShow("account", *options); });
  AddListAndRemove(line, account, "account");
  account->get_subcommand("remove")->add_flag("--with-all", options->with_all,
                                              "its credentials and senders too");
  AddShorthand(line, account, "account", "suspend", "Accept nothing from it any more", "suspended",
               true);
  AddShorthand(line, account, "account", "resume", "Accept from it again", "suspended", nullptr);
  AddDocuments(line, account);
}

void AddPasswordOption(CommandLine* line, CLI::App* command) {
  command->add_flag("--password-stdin", line->options()->password_stdin,
                    "a password of your own: standard input's first line; a terminal asks twice");
}

void AddCredentialGroup(CommandLine* line) {
  Options* options = line->options();
  CLI::App* credential =
      line->Group("credential", "Users, API keys, networks and addresses that may send");
  CLI::App* add = line->AddNamed(credential, "add",
                                 "Add one; a user's password, an API key's key is made and shown",
                                 [=] { return RecordAdd("credential", *options); });
  AddAccountOption(line, add, "whose it is");
  add->get_option("--account")->required();
  CLI::App* set = line->AddNamed(credential, "set", "Change what is given, and nothing else",
                                 [=] { return RecordSet("credential", *options); });
  AddAccountOption(line, set, "move it there");
  AddPasswordOption(line, add);
  add->add_flag("--no-password", options->no_password,
                "a user who cannot log in yet, an API key without a key")
      ->excludes(add->get_option("--password-stdin"));
  AddFields(line, add, "credential", /*clears=*/false);
  AddFields(line, set, "credential", /*clears=*/true);
  line->AddNamed(credential, "show", "All about one",
                 [=] { return RecordShow("credential", *options); });
  AddListAndRemove(line, credential, "credential");
  AddPasswordOption(line, line->AddNamed(credential, "password", "Make a new password and show it",
                                         [=] { return CredentialPassword(*options); }));
  line->AddNamed(credential, "key", "Make a new key of an API key and show it",
                 [=] { return CredentialKey(*options); });
  AddShorthand(line, credential, "credential", "block", "Refuse what it sends", "status",
               "blocked");
  AddShorthand(line, credential, "credential", "allow", "Accept and deliver what it sends",
               "status", "allowed");
  AddShorthand(line, credential, "credential", "sandbox", "Accept what it sends, deliver nothing",
               "status", "sandbox");
  for (const char* name :
       {"add", "set", "show", "remove", "password", "block", "allow", "sandbox"}) {
    AddKind(line, credential->get_subcommand(name), "of what kind NAME is; else a user");
  }
}

void AddSenderGroup(CommandLine* line) {
  Options* options = line->options();
  CLI::App* sender = line->Group("sender", "Domains and addresses that accounts may send as");
  CLI::App* add = line->AddNamed(
      sender, "add", "Let an account send as a domain, or mail an address a link for it",
      [=] { return SenderAdd(*options); });
  AddAccountOption(line, add, "whose it is");
  add->get_option("--account")->required();
  AddFields(line, add, "sender", /*clears=*/false);
  line->AddNamed(sender, "link", "Mail another link to an address that is pending",
                 [=] { return SenderLink(*options); });
  CLI::App* set = line->AddNamed(sender, "set", "Verify it by hand, or take that back",
                                 [=] { return RecordSet("sender", *options); });
  AddFields(line, set, "sender", /*clears=*/false);
  set->get_option("--state")->required();
  AddListAndRemove(line, sender, "sender");
}

}  // namespace

void AddIdentityCommands(CommandLine* line) {
  Options* options = line->options();
  AddAccountGroup(line);
  AddCredentialGroup(line);
  AddSenderGroup(line);
  CLI::App* audit = line->Add(line->app(), "audit", "Who changed what of these, newest first",
                              [=] { return Audit(*options); });
  AddAccountOption(line, audit, "only what is about this account");
  audit->add_option("--limit", options->audit_limit, "show at most so many; 0: all")
      ->type_name("N")
      ->default_str("100");
}

}  // namespace ringpost::cli
