// RocksDB's warnings and errors, as lines "store_engine" of the region's log.
//
// Its own logger writes a file beside the data. On a full disk that write fails, and the RocksDB of
// Debian, which is built with assertions, aborts the process at the next line it cannot write.
#pragma once

#include <rocksdb/env.h>

#include <cstdarg>
#include <cstdio>
#include <string_view>

#include "storage/engine.h"

namespace ringpost::storage {

// Thread-safe. `engine` is borrowed and outlives the database.
class EngineLogger : public rocksdb::Logger {
 public:
  explicit EngineLogger(const Engine& engine)
      : Logger(rocksdb::InfoLogLevel::WARN_LEVEL), engine_(engine) {}
  using rocksdb::Logger::Logv;
  void LogHeader(const char*, va_list) override {}  // its options: Database prints those that count
  void Logv(const char* format, va_list arguments) override {
    char line[1024];
    std::vsnprintf(line, sizeof line, format, arguments);
    LogLine(engine_.Now(), "store_engine")
        .Text("path", engine_.options.path)
        .Text("words", std::string_view(line))
        .To(engine_.log());
  }

 private:
  const Engine& engine_;
};

}  // namespace ringpost::storage
