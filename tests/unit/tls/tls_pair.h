// Certificates, and a client and a server that talk to each other through memory: for tests.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/tls/connection.h"
#include "gateway/tls/self_signed.h"

namespace ringpost::tls {

using KeyKind = Certificate::KeyKind;

inline const WallTime kNow = ReadWallClock();

inline std::shared_ptr<const Certificate> MakeCertificate(const std::vector<std::string>& names,
                                                          KeyKind kind = KeyKind::kEcdsa) {
  PemPair pem = MakeSelfSigned(names, kind, kNow, 30);
  auto certificate = Certificate::Parse(pem.chain, pem.key, {"chain.pem", "key.pem"}, kNow);
  EXPECT_TRUE(certificate.ok()) << MessageOf(certificate.status());
  return *certificate;
}

inline std::shared_ptr<const ServerContext> MakeServer(
    std::vector<std::shared_ptr<const Certificate>> certificates, bool old_versions = false) {
  return ServerContext::Make(
      {std::move(certificates), std::make_shared<TicketKeys>(), old_versions});
}

inline std::shared_ptr<const ClientContext> MakeClient(bool verify = false,
                                                       const std::string& authorities = "") {
  auto context = ClientContext::Make({authorities, verify});
  EXPECT_TRUE(context.ok()) << MessageOf(context.status());
  return *context;
}

inline std::string Flat(const SliceChain& chain) {
  std::string bytes;
  for (const Slice& slice : chain.slices()) bytes.append(slice.view());
  return bytes;
}

// One side, and what it heard.
struct Side {
  std::unique_ptr<Connection> connection;
  std::string heard;
  int key_updates = 0;
  bool secured = false, ended = false, failed = false;
  bool in_place = false;  // once it is secured it opens records where they lie
  std::vector<size_t> pieces;

  std::string Take() {
    std::string bytes = Flat(connection->output());
    connection->output().Clear();
    return bytes;
  }

  // Feeds `bytes` at most `step` at a time.
  void Feed(std::string_view bytes, size_t step = SIZE_MAX) {
    do {
      Slice input = Slice::Copy(bytes.substr(0, std::min(step, bytes.size())));
      bytes.remove_prefix(input.size());
      while (Hear(connection->Step(&input))) {
      }
      EXPECT_TRUE(input.empty());
    } while (!bytes.empty());
  }

  bool Hear(Connection::Event event) {
    switch (event.kind) {
      case Connection::EventKind::kNeedInput:
        return false;
      case Connection::EventKind::kHandshakeDone:
        secured = true;
        EXPECT_TRUE(!in_place || connection->OpenInPlace());
        return true;
      case Connection::EventKind::kData:
        heard.append(event.data.view());
        pieces.push_back(event.data.size());
        return true;
      case Connection::EventKind::kKeyUpdate:
        ++key_updates;
        return true;
      case Connection::EventKind::kEnd:
        ended = true;
        return false;
      case Connection::EventKind::kFailed:
        failed = true;
        return false;
    }
    return false;
  }

  void Say(std::string_view words) {
    Slice slice = Slice::Copy(words);
    connection->Write({&slice, 1});
  }
};

struct Pair {
  Pair(std::shared_ptr<const ClientContext> client_context,
       std::shared_ptr<const ServerContext> server_context,
       const std::string& name = "mx.example") {
    client.connection = Connection::Connect(std::move(client_context), name, name);
    server.connection = Connection::Accept(std::move(server_context));
  }

  // Carries bytes both ways, `step` at a time, until nobody says more.
  void Run(size_t step = SIZE_MAX) {
    client.Feed({});
    while (true) {
      std::string there = client.Take();
      if (!there.empty()) server.Feed(there, step);
      std::string back = server.Take();
      if (!back.empty()) client.Feed(back, step);
      if (there.empty() && back.empty()) return;
    }
  }

  Side client, server;
};

}  // namespace ringpost::tls
