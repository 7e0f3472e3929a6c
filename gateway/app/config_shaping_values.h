// The values of a shaping file's settings, each with its bounds. Private to config_shaping*.cc.
#pragma once

#include <vector>

#include "gateway/app/config_reader.h"
#include "gateway/delivery/shaping.h"

namespace ringpost::app {

// Adds the value of the setting's key to `to`, where the table has it and it is right.
void ReadSetting(TableReader* table, delivery::Setting setting, std::vector<delivery::Given>* to);

}  // namespace ringpost::app
