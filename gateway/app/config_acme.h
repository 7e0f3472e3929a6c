// The section [acme].
#pragma once

#include "gateway/app/config.h"
#include "gateway/app/config_reader.h"

namespace ringpost::app {

// After `hostname`; sets config->acme.
void ReadAcme(const toml::table* from, ErrorList* errors, Config* config);
// After the listeners: which challenges they can answer.
void CheckAcmeChallenges(const toml::table* from, ErrorList* errors, Config* config);

}  // namespace ringpost::app
