// ringpost: the operator's tool. See ringpost(1).
#include "tools/ringpost/command_line.h"

int main(int argc, char** argv) { return ringpost::cli::CommandLine().Run(argc, argv); }
