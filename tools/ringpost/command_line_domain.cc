// The command line of ringpost domain, dns.
#include "gateway/base/ip_address.h"
#include "tools/ringpost/command_line.h"

namespace ringpost::cli {
namespace {

std::string RefuseNoEndpoint(const std::string& text) {
  return Endpoint::Parse(text) ? ""
                               : "\"" + text +
                                     "\" is no address with a port: 192.0.2.1:53 or "
                                     "[2001:db8::1]:53 is one";
}

void AddDomainGroup(CommandLine* line) {
  Options* options = line->options();
  CLI::App* domain = line->Group("domain", "Domains that customers prove to be theirs by DNS");
  CLI::App* add = line->AddNamed(domain, "add", "Add one, and show the records it needs",
                                 [=] { return DomainAdd(*options); });
  AddAccountOption(line, add, "whose it is");
  add->get_option("--account")->required();
  add->add_flag("--ed25519", options->ed25519, "with Ed25519 keys for DKIM beside the RSA ones");
  line->AddNamed(domain, "show", "How one is, what it lacks, its records and keys",
                 [=] { return DomainShow(*options); });
  CLI::App* list =
      line->Add(domain, "list", "All of them, by name", [=] { return DomainList(*options); });
  AddAccountOption(line, list, "only those of this account");
  list->add_option("--limit", options->limit, "show at most so many")->type_name("N");
  line->AddNamed(domain, "remove", "Remove it and its keys; asks",
                 [=] { return DomainRemove(*options); })
      ->add_flag("--yes,-y", options->yes, "do not ask");
  line->AddNamed(domain, "check", "Ask the DNS about it now, then show it",
                 [=] { return DomainCheck(*options); });
  line->AddNamed(domain, "rotate", "Have its next DKIM key sign from now on",
                 [=] { return DomainRotate(*options); });
}

void AddDnsGroup(CommandLine* line) {
  Options* options = line->options();
  CLI::App* dns = line->Group("dns", "The operator's zone, which follows from the domains");
  line->Add(dns, "zone", "Write all of it as a zone file", [=] { return DnsZone(*options); })
      ->add_option("FILE", options->file, "where to; without it: standard output");
  CLI::App* push = line->Add(dns, "push", "Send its records to a server as dynamic updates",
                             [=] { return DnsPush(*options); });
  push->add_option("--server", options->server, "the server that takes them, over TCP")
      ->type_name("ADDRESS:PORT")
      ->required()
      ->check(RefuseNoEndpoint);
  push->add_option("--tsig-key", options->tsig_key, "the key, as hmac-sha256:NAME:BASE64")
      ->type_name("FILE")
      ->required()
      ->check(RefuseEmpty);
}

}  // namespace

void AddDomainCommands(CommandLine* line) {
  AddDomainGroup(line);
  AddDnsGroup(line);
}

}  // namespace ringpost::cli
