// The command line of ringpost suppression.
#include "tools/ringpost/command_line.h"
#include "tools/ringpost/suppression_lines.h"

namespace ringpost::cli {
namespace {

std::string RefuseNoReason(const std::string& text) {
  return identity::SuppressionReasonOf(text)
             ? ""
             : "\"" + text + "\" is no reason: bounce, unsubscribe, complaint and manual are";
}

// Whose list, in which region.
void AddListOptions(CommandLine* line, CLI::App* command) {
  AddAccountOption(line, command, "whose list");
  command
      ->add_flag("--own", line->options()->own,
                 "the list of the hosts in [[trust]] networks, in the place of an account's")
      ->excludes(command->get_option("--account"));
  AddRegionOption(line, command);
}

void AddReasonOption(CommandLine* line, CLI::App* command, const char* help) {
  command->add_option("--reason", line->options()->reason, help)
      ->type_name("REASON")
      ->check(RefuseNoReason);
}

void AddEntries(CommandLine* line, CLI::App* command) {
  command
      ->add_option("ENTRY", line->options()->entries,
                   "an address, a domain, or \"*.\" and a domain: all below it")
      ->required()
      ->check(RefuseEmpty);
}

}  // namespace

void AddSuppressionCommands(CommandLine* line) {
  Options* options = line->options();
  CLI::App* group = line->Group("suppression", "Addresses and domains that are not written to");
  CLI::App* add = line->Add(group, "add", "Refuse mail to these from now on",
                            [=] { return SuppressionAdd(*options); });
  AddEntries(line, add);
  AddReasonOption(line, add, "bounce, unsubscribe, complaint or manual (usual)");
  add->add_option("--since", options->since, "a date or a time in UTC, in the place of now")
      ->type_name("TIME");
  add->add_option("--detail", options->detail, "why, in words")->type_name("TEXT");
  CLI::App* remove = line->Add(group, "remove", "Take these off the list",
                               [=] { return SuppressionRemove(*options); });
  AddEntries(line, remove);
  CLI::App* list = line->Add(group, "list", "The list, domain by domain",
                             [=] { return SuppressionList(*options); });
  AddReasonOption(line, list, "those alone");
  list->add_option("--domain", options->domain, "this domain and its addresses alone")
      ->type_name("DOMAIN")
      ->check(RefuseEmpty);
  list->add_option("--limit", options->limit, "show at most so many")->type_name("N");
  CLI::App* show = line->AddNamed(group, "show", "What keeps mail from an address",
                                  [=] { return SuppressionShow(*options); });
  CLI::App* exported = line->Add(group, "export", "Write the list as JSON lines, or CSV",
                                 [=] { return SuppressionExport(*options); });
  exported->add_option("FILE", options->file, "where to; else standard output");
  exported->add_flag("--csv", options->csv, "as CSV");
  CLI::App* import = line->Add(group, "import", "Add what a file of JSON lines or CSV lists",
                               [=] { return SuppressionImport(*options); });
  import->add_option("FILE", options->file, "\"-\": standard input")->required();
  AddReasonOption(line, import, "of lines that have none; usual: manual");
  import->add_flag("--dry-run", options->dry_run, "say what would be done, change nothing");
  for (CLI::App* command : {add, remove, list, show, exported, import}) {
    AddListOptions(line, command);
  }
}

}  // namespace ringpost::cli
