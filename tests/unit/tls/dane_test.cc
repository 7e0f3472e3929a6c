// Servers with every kind of chain, held to every kind of TLSA record (RFC 7671, RFC 7672).
#include <gtest/gtest.h>

#include <ostream>
#include <set>

#include "gateway/tls/contexts_impl.h"
#include "tests/unit/tls/test_authority.h"
#include "tests/unit/tls/tls_pair.h"

namespace ringpost::tls {
namespace {

constexpr int kTa = 2, kEe = 3;

// Authorities, and leaves of theirs.
struct Zoo {
  Issued root = Issue("root", nullptr, {.authority = true});
  Issued middle = Issue("middle", &root, {.authority = true});
  Issued leaf = Issue("leaf", &middle, {.names = {"mx.a.example"}});
  Issued by_root = Issue("by root", &root, {.names = {"mx.a.example"}});
  Issued stranger = Issue("stranger", nullptr, {.authority = true});
  Issued expired =
      Issue("expired", &middle, {.names = {"mx.a.example"}, .from_days = -9, .to_days = -2});
  Issued to_come =
      Issue("to come", &middle, {.names = {"mx.a.example"}, .from_days = 2, .to_days = 9});
  Issued elsewhere = Issue("elsewhere", &middle, {.names = {"other.example"}});
  Issued nameless = Issue("mx.a.example", &middle, {});
  Issued both_names = Issue("mx.a.example", &middle, {.names = {"other.example"}});
  Issued wildcard = Issue("wildcard", &middle, {.names = {"*.a.example"}});
  Issued deep_wildcard = Issue("deep", &middle, {.names = {"*.mx.a.example"}});
  Issued part_wildcard = Issue("part", &middle, {.names = {"m*.a.example"}});
  Issued next_hop = Issue("next hop", &middle, {.names = {"customer.example"}});
  Issued forged = Issue("forged", &middle, {.names = {"mx.a.example"}, .signer = &stranger});
  Issued no_authority = Issue("no authority", &root, {.authority = false});
  Issued by_no_authority = Issue("x", &no_authority, {.names = {"mx.a.example"}});
  Issued old_middle =
      Issue("old middle", &root, {.authority = true, .from_days = -9, .to_days = -2});
  Issued by_old = Issue("by old", &old_middle, {.names = {"mx.a.example"}});
  Issued old_root = Issue("old root", nullptr, {.authority = true, .from_days = -9, .to_days = -2});
  Issued by_old_root = Issue("by old root", &old_root, {.names = {"mx.a.example"}});
  Issued for_clients =
      Issue("client", &middle, {.names = {"mx.a.example"}, .purpose = "clientAuth"});
  Issued self = Issue("self", nullptr, {.names = {"mx.a.example"}});

  static const Zoo& Get() {
    static const Zoo zoo;
    return zoo;
  }
};

std::shared_ptr<const DanePolicy> Policy(std::vector<TlsaRecord> records,
                                         std::vector<std::string> names = {"mx.a.example",
                                                                           "customer.example"}) {
  return std::make_shared<DanePolicy>(
      DanePolicy{"mx.a.example", std::move(records), std::move(names)});
}

// While each certificate of these was valid, so that a server takes it.
std::shared_ptr<const ServerContext> ServerOf(const std::vector<const Issued*>& chain) {
  const Zoo& zoo = Zoo::Get();
  long days = chain[0] == &zoo.expired ? -5 : chain[0] == &zoo.to_come ? 5 : 0;
  return MakeServer({ChainOf(chain, kNow + Millis(days * 86'400'000))});
}

struct DanePair : Pair {
  DanePair(std::shared_ptr<const ClientContext> context,
           std::shared_ptr<const ServerContext> server_context,
           std::shared_ptr<const DanePolicy> policy, const std::string& peer = "peer")
      : Pair(context, std::move(server_context)) {
    client.connection = Connection::ConnectDane(context, std::move(policy), peer);
  }
  const Connection::Facts& facts() const { return client.connection->facts(); }
};

using Chain = std::vector<const Issued*>;
struct Case {
  std::string what;
  Chain chain;
  std::vector<TlsaRecord> records;
  PeerProof proof;
  PeerFault fault = PeerFault::kNone;
  std::string words = "";
};
std::ostream& operator<<(std::ostream& out, const Case& one) { return out << one.what; }

constexpr PeerProof kNone = PeerProof::kNone, kByTa = PeerProof::kDaneTa,
                    kByEe = PeerProof::kDaneEe;
constexpr PeerFault kMismatch = PeerFault::kTlsaMismatch, kNotTrusted = PeerFault::kNotTrusted,
                    kHost = PeerFault::kHostMismatch, kExpired = PeerFault::kExpired;

// One selector and matching type.
struct Form {
  int selector, type;

  TlsaRecord Of(int usage, const Issued& one) const { return RecordOf(usage, selector, type, one); }
  bool whole() const { return type == 0; }
  bool certificate() const { return selector == 0; }
};

std::vector<Case> EeCases(Form form) {
  const Zoo& z = Zoo::Get();
  auto ee = [&](const Issued& one) { return form.Of(kEe, one); };
  TlsaRecord flipped = ee(z.leaf), cut = flipped, longer = flipped;
  flipped.data.back() = static_cast<char>(flipped.data.back() ^ 1);
  cut.data.pop_back();
  longer.data.push_back('x');
  const Chain usual = {&z.leaf, &z.middle};
  return {
      {"ee", usual, {ee(z.leaf)}, kByEe},
      {"ee_alone", {&z.leaf}, {ee(z.leaf)}, kByEe},
      {"ee_expired", {&z.expired}, {ee(z.expired)}, kByEe},
      {"ee_to_come", {&z.to_come}, {ee(z.to_come)}, kByEe},
      {"ee_other_name", {&z.elsewhere}, {ee(z.elsewhere)}, kByEe},
      {"ee_nameless", {&z.nameless}, {ee(z.nameless)}, kByEe},
      {"ee_forged", {&z.forged, &z.middle}, {ee(z.forged)}, kByEe},
      {"ee_self_signed", {&z.self}, {ee(z.self)}, kByEe},
      {"ee_other_key", usual, {ee(z.by_root)}, kNone, kMismatch},
      {"ee_of_the_issuer", usual, {ee(z.middle)}, kNone, kMismatch},
      {"ee_flipped", usual, {flipped}, kNone, kMismatch},
      {"ee_cut", usual, {cut}, kNone, kMismatch},
      {"ee_longer", usual, {longer}, kNone, kMismatch},
      {"ee_second", usual, {ee(z.by_root), ee(z.leaf)}, kByEe},
      {"ee_or_ta", {&z.expired, &z.middle}, {form.Of(kTa, z.middle), ee(z.expired)}, kByEe},
  };
}

std::vector<Case> TaCases(Form form) {
  const Zoo& z = Zoo::Get();
  auto ta = [&](const Issued& one) { return form.Of(kTa, one); };
  const Chain full = {&z.leaf, &z.middle, &z.root}, usual = {&z.leaf, &z.middle};
  return {
      {"ta_root", full, {ta(z.root)}, kByTa},
      {"ta_middle", usual, {ta(z.middle)}, kByTa},
      {"ta_middle_and_root", full, {ta(z.middle)}, kByTa},
      {"ta_second", usual, {ta(z.stranger), ta(z.middle)}, kByTa},
      {"ta_or_ee", usual, {form.Of(kEe, z.self), ta(z.middle)}, kByTa},
      {"ta_expired", {&z.expired, &z.middle}, {ta(z.middle)}, kNone, kExpired, "has expired"},
      {"ta_to_come", {&z.to_come, &z.middle}, {ta(z.middle)}, kNone, kExpired, "not yet valid"},
      {"ta_below_expired", {&z.by_old, &z.old_middle, &z.root}, {ta(z.root)}, kNone, kExpired},
      {"ta_is_expired", {&z.by_old_root, &z.old_root}, {ta(z.old_root)}, kNone, kExpired},
      {"ta_other_name", {&z.elsewhere, &z.middle}, {ta(z.middle)}, kNone, kHost, "ame mismatch"},
      {"ta_common_name", {&z.nameless, &z.middle}, {ta(z.middle)}, kByTa},
      {"ta_common_name_beside_others", {&z.both_names, &z.middle}, {ta(z.middle)}, kNone, kHost},
      {"ta_wildcard", {&z.wildcard, &z.middle}, {ta(z.middle)}, kByTa},
      {"ta_deep_wildcard", {&z.deep_wildcard, &z.middle}, {ta(z.middle)}, kNone, kHost},
      {"ta_part_wildcard", {&z.part_wildcard, &z.middle}, {ta(z.middle)}, kNone, kHost},
      {"ta_for_clients", {&z.for_clients, &z.middle}, {ta(z.middle)}, kNone, kNotTrusted},
      {"ta_next_hop", {&z.next_hop, &z.middle}, {ta(z.middle)}, kByTa},
      {"ta_forged", {&z.forged, &z.middle}, {ta(z.middle)}, kNone, kNotTrusted, "signature"},
      {"ta_forged_root", {&z.forged, &z.middle, &z.root}, {ta(z.root)}, kNone, kNotTrusted},
      {"ta_of_the_leaf", usual, {ta(z.leaf)}, kNone, kMismatch},
      {"ta_no_authority",
       {&z.by_no_authority, &z.no_authority, &z.root},
       {ta(z.root)},
       kNone,
       kNotTrusted},
      {"ta_stranger",
       usual,
       {ta(z.stranger)},
       kNone,
       form.whole() && form.certificate() ? kNotTrusted : kMismatch},
  };
}

// Authorities that are not presented: known where they stand in the record whole.
std::vector<Case> AbsentCases(Form form) {
  const Zoo& z = Zoo::Get();
  auto ta = [&](const Issued& one) { return form.Of(kTa, one); };
  PeerProof proof = form.whole() ? kByTa : kNone;
  PeerFault fault = form.whole() ? PeerFault::kNone : kMismatch;
  // A certificate is an authority whoever it signed, a key only of what it signed.
  PeerFault unsigned_by = form.whole() && form.certificate() ? kNotTrusted : kMismatch;
  PeerFault expired = form.whole() ? kExpired : kMismatch, host = form.whole() ? kHost : kMismatch;
  return {
      // It is what its own key signed.
      {"self_signed",
       {&z.self},
       {ta(z.self)},
       form.whole() && !form.certificate() ? kByTa : kNone,
       form.whole() && !form.certificate() ? PeerFault::kNone : kMismatch},
      {"absent_root", {&z.leaf, &z.middle}, {ta(z.root)}, proof, fault},
      {"absent_issuer", {&z.leaf}, {ta(z.middle)}, proof, fault},
      {"absent_two", {&z.leaf}, {ta(z.root)}, kNone, unsigned_by},
      {"absent_forged", {&z.forged}, {ta(z.middle)}, kNone, unsigned_by},
      {"absent_expired", {&z.expired}, {ta(z.middle)}, kNone, expired},
      {"absent_other_name", {&z.elsewhere}, {ta(z.middle)}, kNone, host},
  };
}

std::vector<Case> OddCases() {
  const Zoo& z = Zoo::Get();
  const Chain full = {&z.leaf, &z.middle, &z.root}, usual = {&z.leaf, &z.middle};
  TlsaRecord trailing = RecordOf(kTa, 0, 0, z.root), key_trailing = RecordOf(kTa, 1, 0, z.root);
  trailing.data += "x";
  key_trailing.data += "x";
  return {
      {"odd_fields",
       usual,
       {{0, 1, 1, ""},
        {1, 1, 1, ""},
        {3, 2, 0, ""},
        {3, 1, 3, ""},
        {3, 255, 255, "x"},
        {2, 2, 0, ""}},
       kNone,
       kMismatch,
       "and 2 more"},
      {"garbage",
       usual,
       {{2, 0, 0, "x"}, {2, 1, 0, "x"}, {2, 0, 0, ""}, {2, 1, 0, ""}},
       kNone,
       kMismatch,
       "2 0 0 78"},
      {"whole_with_more", usual, {trailing, key_trailing}, kNone, kMismatch},
      // A usage for the web's authorities proves nothing here.
      {"pkix_usages",
       full,
       {RecordOf(1, 1, 1, z.leaf), RecordOf(0, 1, 1, z.root)},
       kNone,
       kMismatch},
  };
}

std::vector<Case> Cases() {
  std::vector<Case> cases = OddCases();
  for (int selector : {0, 1}) {
    for (int type : {0, 1, 2}) {
      for (auto make : {EeCases, TaCases, AbsentCases}) {
        for (Case& one : make({selector, type})) {
          one.what += "_" + std::to_string(selector) + "_" + std::to_string(type);
          cases.push_back(std::move(one));
        }
      }
    }
  }
  return cases;
}

class DaneTest : public testing::TestWithParam<Case> {};

TEST_P(DaneTest, HoldsOrFails) {
  const Case& one = GetParam();
  auto server = ServerOf(one.chain);
  // Whatever the context asks for.
  for (bool verify : {false, true}) {
    DanePair pair(MakeClient(verify), server, Policy(one.records));
    pair.Run();
    const Connection& client = *pair.client.connection;
    EXPECT_EQ(pair.facts().proof, one.proof) << client.failure();
    EXPECT_EQ(pair.facts().fault, one.fault) << client.failure();
    EXPECT_EQ(pair.facts().verified, one.proof != PeerProof::kNone);
    EXPECT_EQ(pair.client.secured, one.proof != PeerProof::kNone);
    EXPECT_EQ(pair.client.failed, one.proof == PeerProof::kNone);
    if (!pair.client.failed) continue;
    EXPECT_TRUE(client.failure().starts_with("certificate verify failed: ")) << client.failure();
    EXPECT_NE(client.failure().find(one.words), std::string::npos) << client.failure();
    EXPECT_TRUE(pair.server.failed) << "no alert";
  }
}
INSTANTIATE_TEST_SUITE_P(All, DaneTest, testing::ValuesIn(Cases()),
                         [](const auto& one) { return one.param.what; });

TEST(DaneConnectionTest, TheBaseDomainIsAskedFor) {
  const Zoo& zoo = Zoo::Get();
  DanePair pair(MakeClient(), ServerOf({&zoo.leaf}), Policy({RecordOf(kEe, 1, 1, zoo.leaf)}));
  pair.Run();
  EXPECT_EQ(pair.server.connection->requested_name(), "mx.a.example");
  EXPECT_EQ(pair.facts().version, "TLSv1.3");
}

// What is offered in supported_versions (RFC 8446 section 4.2.1).
TEST(DaneConnectionTest, NothingOlderThanTls12) {
  const std::string_view new_ones = "\x04\x03\x04\x03\x03";
  const std::string_view old_ones = "\x08\x03\x04\x03\x03\x03\x02\x03\x01";
  auto context = MakeClient();
  Side plain{Connection::Connect(context, "mx.a.example", "peer")};
  plain.Feed({});
  EXPECT_NE(plain.Take().find(old_ones), std::string::npos);
  Side dane{
      Connection::ConnectDane(context, Policy({RecordOf(kEe, 1, 1, Zoo::Get().leaf)}), "peer")};
  dane.Feed({});
  std::string hello = dane.Take();
  EXPECT_EQ(hello.find(old_ones), std::string::npos);
  EXPECT_NE(hello.find(new_ones), std::string::npos);
}

TEST(DaneConnectionTest, WithoutANameNoAuthorityProves) {
  const Zoo& zoo = Zoo::Get();
  DanePair pair(MakeClient(), ServerOf({&zoo.leaf, &zoo.middle}),
                Policy({RecordOf(kTa, 1, 1, zoo.middle)}, {}));
  pair.Run();
  EXPECT_EQ(pair.facts().fault, PeerFault::kHostMismatch);
  EXPECT_TRUE(pair.client.failed);
}

TEST(DaneConnectionTest, ManyKeysAreNotAllTried) {
  const Zoo& zoo = Zoo::Get();
  std::vector<TlsaRecord> records(3, RecordOf(kTa, 1, 0, zoo.stranger));
  records.push_back(RecordOf(kTa, 1, 0, zoo.middle));
  DanePair pair(MakeClient(), ServerOf({&zoo.leaf}), Policy(records));
  pair.Run();
  EXPECT_EQ(pair.facts().proof, PeerProof::kDaneTa);
  records.insert(records.begin(), RecordOf(kTa, 1, 0, zoo.stranger));
  DanePair late(MakeClient(), ServerOf({&zoo.leaf}), Policy(records));
  late.Run();
  EXPECT_EQ(late.facts().fault, PeerFault::kTlsaMismatch);
}

// --- Resumption

void Talk(DanePair* pair) {
  pair->Run();
  pair->server.Say("220 hello\r\n");  // the tickets leave with the first words
  pair->Run();
}

TEST(DaneConnectionTest, ResumesUnderTheSameRecordsAlone) {
  const Zoo& zoo = Zoo::Get();
  auto server = ServerOf({&zoo.leaf, &zoo.middle});
  auto client = MakeClient();
  TlsaRecord ee = RecordOf(kEe, 1, 1, zoo.leaf), ta = RecordOf(kTa, 1, 1, zoo.middle);
  struct Step {
    std::vector<TlsaRecord> records;
    bool resumed;
    PeerProof proof;
  };
  for (const Step& step : {Step{{ee}, false, PeerProof::kDaneEe},
                           {{ee}, true, PeerProof::kDaneEe},
                           {{ta}, false, PeerProof::kDaneTa},
                           {{ta}, true, PeerProof::kDaneTa},
                           {{ta, ee}, false, PeerProof::kDaneEe},
                           {{ee}, true, PeerProof::kDaneEe}}) {
    DanePair pair(client, server, Policy(step.records));
    Talk(&pair);
    ASSERT_TRUE(pair.client.secured) << pair.client.connection->failure();
    EXPECT_EQ(pair.facts().resumed, step.resumed);
    EXPECT_EQ(pair.facts().proof, step.proof);
  }
  DanePair names(client, server, Policy({ta}, {"mx.a.example"}));
  Talk(&names);
  EXPECT_FALSE(names.facts().resumed);
  DanePair other(client, server, Policy({ee}), "another peer");
  Talk(&other);
  EXPECT_FALSE(other.facts().resumed);
}

TEST(DaneConnectionTest, EachSetHasSessionsOfItsOwn) {
  TlsaRecord one{3, 1, 1, "a"};
  std::set<std::string> names;
  for (const DanePolicy& policy : std::vector<DanePolicy>{
           {"a", {one}, {"a"}},
           {"b", {one}, {"a"}},
           {"a", {one}, {"b"}},
           {"a", {one}, {"a", "a"}},
           {"a", {one}, {}},
           {"aa", {one}, {}},
           {"a", {one, one}, {"a"}},
           {"a", {{2, 1, 1, "a"}}, {"a"}},
           {"a", {{3, 0, 1, "a"}}, {"a"}},
           {"a", {{3, 1, 2, "a"}}, {"a"}},
           {"a", {{3, 1, 1, "b"}}, {"a"}},
           {"a", {{3, 1, 1, "aa"}}, {"a"}},
           {"a", {{3, 1, 1, ""}}, {"a"}},
       }) {
    for (const char* peer : {"peer", "another peer", ""}) {
      std::string name = DaneSessionName(policy, peer);
      EXPECT_EQ(name, DaneSessionName(policy, peer));
      EXPECT_TRUE(names.insert(name).second) << policy.base_domain;
    }
  }
}

// Neither does PKIX take over what DANE proved, nor the other way round.
TEST(DaneConnectionTest, VerdictsDoNotCross) {
  const Zoo& zoo = Zoo::Get();
  auto server = ServerOf({&zoo.leaf, &zoo.middle});
  auto client = MakeClient();
  DanePair proven(client, server, Policy({RecordOf(kEe, 1, 1, zoo.leaf)}));
  Talk(&proven);
  ASSERT_TRUE(proven.facts().verified);
  for (bool resumed : {false, true}) {
    DanePair pkix(client, server, Policy({RecordOf(kEe, 1, 1, zoo.leaf)}));
    pkix.client.connection = Connection::Connect(client, "mx.a.example", "peer");
    Talk(&pkix);
    EXPECT_EQ(pkix.facts().resumed, resumed);
    EXPECT_FALSE(pkix.facts().verified);
    EXPECT_EQ(pkix.facts().fault, PeerFault::kNotTrusted);
  }
  DanePair wrong(client, server, Policy({RecordOf(kEe, 1, 1, zoo.self)}));
  wrong.Run();
  EXPECT_TRUE(wrong.client.failed);
}

// Even if the session of another set were found, what it has is held to this one.
TEST(DaneConnectionTest, AResumedPeerIsHeldToTheRecordsAnew) {
  const Zoo& zoo = Zoo::Get();
  auto server = ServerOf({&zoo.leaf, &zoo.middle});
  auto client = MakeClient();
  auto right = Policy({RecordOf(kEe, 1, 1, zoo.leaf)}),
       wrong = Policy({RecordOf(kEe, 1, 1, zoo.self)});
  auto also_right = Policy({RecordOf(kTa, 1, 1, zoo.middle)});
  SessionCache& sessions = client->impl().sessions;
  for (auto [version, policy] :
       {std::pair{TLS1_2_VERSION, wrong}, {TLS1_3_VERSION, wrong}, {TLS1_3_VERSION, also_right}}) {
    SSL_CTX_set_max_proto_version(client->impl().context.get(), static_cast<uint16_t>(version));
    DanePair first(client, server, right);
    Talk(&first);
    auto session = sessions.Find(DaneSessionName(*right, "peer"));
    ASSERT_TRUE(session);
    sessions.Keep(DaneSessionName(*policy, "peer"), std::move(session));
    DanePair second(client, server, policy);
    Talk(&second);
    EXPECT_EQ(second.client.secured, policy == also_right);
    if (policy == also_right) {
      EXPECT_TRUE(second.facts().resumed);
      EXPECT_EQ(second.facts().proof, PeerProof::kDaneTa);
      continue;
    }
    EXPECT_EQ(second.facts().fault, PeerFault::kTlsaMismatch);
    EXPECT_TRUE(second.server.failed) << "no alert";
    EXPECT_FALSE(sessions.Find(DaneSessionName(*policy, "peer")));
  }
}

// --- PKIX: why a server was not verified, also where that is let pass

struct PkixCase {
  std::string what;
  Chain chain;
  PeerFault fault;
  std::string_view reported;
};
std::ostream& operator<<(std::ostream& out, const PkixCase& one) { return out << one.what; }
class PkixFaultTest : public testing::TestWithParam<PkixCase> {};

TEST_P(PkixFaultTest, IsSaid) {
  const PkixCase& one = GetParam();
  std::string path = ::testing::TempDir() + "/ringpost-authority-" + one.what;
  FILE* file = fopen(path.c_str(), "w");
  ASSERT_NE(file, nullptr);
  std::string pem = Zoo::Get().root.Pem();
  fwrite(pem.data(), 1, pem.size(), file);
  fclose(file);
  auto server = ServerOf(one.chain);
  for (bool verify : {false, true}) {
    Pair pair(MakeClient(verify, path), server, "mx.a.example");
    pair.Run();
    const Connection& client = *pair.client.connection;
    EXPECT_EQ(client.facts().fault, one.fault) << client.failure();
    bool proven = one.fault == PeerFault::kNone;
    EXPECT_EQ(client.facts().proof, proven ? PeerProof::kPkix : PeerProof::kNone);
    EXPECT_EQ(client.facts().verified, proven);
    EXPECT_EQ(pair.client.failed, verify && !proven);
    EXPECT_EQ(ReportResultType(client.facts().fault), one.reported);
  }
  remove(path.c_str());
}
INSTANTIATE_TEST_SUITE_P(
    All, PkixFaultTest,
    testing::Values(
        PkixCase{"good", {&Zoo::Get().leaf, &Zoo::Get().middle}, PeerFault::kNone, ""},
        PkixCase{"expired",
                 {&Zoo::Get().expired, &Zoo::Get().middle},
                 PeerFault::kExpired,
                 "certificate-expired"},
        PkixCase{"to_come",
                 {&Zoo::Get().to_come, &Zoo::Get().middle},
                 PeerFault::kExpired,
                 "certificate-expired"},
        PkixCase{"other_name",
                 {&Zoo::Get().elsewhere, &Zoo::Get().middle},
                 PeerFault::kHostMismatch,
                 "certificate-host-mismatch"},
        PkixCase{
            "self_signed", {&Zoo::Get().self}, PeerFault::kNotTrusted, "certificate-not-trusted"},
        PkixCase{
            "incomplete", {&Zoo::Get().leaf}, PeerFault::kNotTrusted, "certificate-not-trusted"},
        PkixCase{"forged",
                 {&Zoo::Get().forged, &Zoo::Get().middle},
                 PeerFault::kNotTrusted,
                 "certificate-not-trusted"}),
    [](const auto& one) { return one.param.what; });

TEST(ReportResultTypeTest, OfTheOthers) {
  EXPECT_EQ(ReportResultType(PeerFault::kTlsaMismatch), "certificate-not-trusted");
  EXPECT_EQ(ReportResultType(PeerFault::kOther), "validation-failure");
}

}  // namespace
}  // namespace ringpost::tls
