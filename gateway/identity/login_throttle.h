// LoginThrottle: how soon the next password may be tried, so that guessing is slow and nobody is
// locked out by somebody else's guesses.
//
// Failures are counted of three things: of a name tried from an address, of the address, of the
// name. Each has some that are free; behind them each try waits twice as long as the one before,
// and while one waits, only one is let through at the end of the wait, however many come. Of IPv6
// a /64 is one address: it is what one customer has. Names are counted whether or not anybody has
// them, in any case of ASCII letters as one.
//
// An address that a name has logged in from is good for that name: only its own failures with that
// name delay it. So who guesses at a name from elsewhere cannot delay its owner where he always
// sends from, nor a broken device the other devices of its office. From a new address the owner of
// a name under attack waits up to kLoginNameDelaySecondsMax.
//
// A success forgets the failures of its name from its address, and nothing else: else a guesser
// with an account of his own would log in between his guesses.
//
// It is asked before anything looks at the password or the proof, VerifiedCache too: else the cache
// would answer guesses without delay. Who has to wait is told 454 4.7.0, whether or not there is
// such a name.
//
// Each shard counts for itself: over N shards a guesser has up to N times the tries. Tries that are
// under way are not counted yet: who lets many be under way at once asks again at their end, or
// bounds them (session/password_turns.h). Nothing survives the process.
//
// Bounded: limits::kLoginEntriesMax of each, about 400 KiB; the hash is keyed, so that nobody can
// choose whom to push out. Only successes add to the good ones: failures can't push them out.
//
// Threads: one shard's own.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "gateway/base/ip_address.h"
#include "gateway/base/time.h"
#include "gateway/tls/keyed_hash.h"

namespace ringpost::identity {

class LoginThrottle {
 public:
  LoginThrottle();

  // How long `name` from `address` must wait; zero: its password may be looked at now, and what
  // came of it is to be said: Failed, Succeeded, or, where our own trouble left it open, nothing.
  Millis Try(std::string_view name, const IpAddress& address, MonoTime now);

  // The same question, and nothing is to be said: nobody was let through.
  Millis Wait(std::string_view name, const IpAddress& address, MonoTime now);
  // How many failures delay it, or will when there are more: it grows with each that counts here.
  uint32_t Failures(std::string_view name, const IpAddress& address, MonoTime now);

  void Failed(std::string_view name, const IpAddress& address, MonoTime now);
  void Succeeded(std::string_view name, const IpAddress& address, MonoTime now);

 private:
  struct Entry {
    uint64_t key = 0;  // 0: none
    MonoTime last = MonoTime::min();
    uint32_t failures = 0;
  };
  using Table = std::vector<Entry>;
  struct Rule;
  static const Rule kPair, kAddress, kName;
  struct Keys;
  // What delays a name from an address; null: nothing of the kind. Of a pair that is known to be
  // good, its own failures alone.
  struct Entries {
    Entry* pair;
    Entry* address;
    Entry* name;
  };

  Keys KeysOf(std::string_view name, const IpAddress& address) const;
  Entries EntriesOf(std::string_view name, const IpAddress& address, MonoTime now);
  static Millis WaitOf(const Entries& entries, MonoTime now);
  static Entry* Find(Table* table, uint64_t key);
  static Entry* FindOrTake(Table* table, uint64_t key, MonoTime now);
  static Millis WaitOf(const Entry* entry, const Rule& rule, MonoTime now);
  static void Book(Entry* entry, const Rule& rule, MonoTime now);
  static void Add(Table* table, uint64_t key, MonoTime now);

  tls::KeyedHash hash_;
  Table pairs_, addresses_, names_;  // failures
  Table good_;                       // pairs, and when they last succeeded
};

}  // namespace ringpost::identity
