// The command line of ringpost store.
#include "tools/ringpost/command_line.h"

namespace ringpost::cli {

void AddStoreCommands(CommandLine* line) {
  Options* options = line->options();
  CLI::App* store = line->Group("store", "Look at a store that no ringpostd has open");
  CLI::App* check = line->Add(store, "check", "Read all of it and name what is damaged",
                              [options] { return StoreCheck(*options); });
  CLI::App* salvage = line->Add(store, "salvage", "Copy what is whole into a new store",
                                [options] { return StoreSalvage(*options); });
  salvage->add_option("--to", options->out, "where to; must not exist")
      ->type_name("PATH")
      ->required();
  CLI::App* queue = line->Add(store, "export-queue", "List what is queued, one JSON object a line",
                              [options] { return StoreExportQueue(*options); });
  queue
      ->add_option("--out", options->out,
                   "a new directory: messages as ID.eml, the list as queue.jsonl")
      ->type_name("DIR");
  for (CLI::App* command : {check, salvage, queue}) {
    command->add_option("PATH", options->file, "a region's store")->required();
  }
}

}  // namespace ringpost::cli
