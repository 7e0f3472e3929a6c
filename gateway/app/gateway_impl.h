// GatewayImpl: the Gateway, in seven parts that share its state:
//   gateway.cc           start, drain, stop, the tick
//   gateway_reload.cc    a new configuration
//   gateway_requests.cc  what an operator asks, from any thread
//   gateway_acme.cc      certificates that come by themselves
//   gateway_identity.cc  accounts and credentials
//   gateway_sts.cc       policies of MTA-STS
//   gateway_logins.cc    what the logins of all shards share
//   gateway_reports.cc   reports on TLS with mail exchangers
//
// Threads: see gateway.h. What any thread may read while the main thread changes it is under
// `mutex_`.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "gateway/app/domain_keeper.h"
#include "gateway/app/gateway.h"
#include "gateway/app/identity_service.h"
#include "gateway/app/limit_keeper.h"
#include "gateway/app/link_desk.h"
#include "gateway/app/listen_sockets.h"
#include "gateway/app/log_file.h"
#include "gateway/app/memory_watch.h"
#include "gateway/app/password_store.h"
#include "gateway/app/policies.h"
#include "gateway/app/shard.h"
#include "gateway/app/suppression_desk.h"
#include "gateway/app/tls_report_service.h"
#include "gateway/base/worker_pool.h"
#include "gateway/delivery/site_budget.h"
#include "gateway/http/acme_challenges.h"
#include "gateway/http/acme_service.h"
#include "gateway/http/server.h"
#include "gateway/http/sts_service.h"
#include "gateway/session/shard_identity.h"
#include "gateway/session/suppression_list.h"
#include "gateway/tls/ticket_keys.h"
#include "storage/control_store.h"
#include "storage/rocks_spool.h"

namespace ringpost::app {

class GatewayImpl final : public Gateway {
 public:
  GatewayImpl(Config config, Log* log);
  ~GatewayImpl() override;

  Status Prepare(ListenFds* handed_over);  // Make's work

  Status Start() override;
  uint32_t shards() const override { return shard_count_; }
  std::vector<std::string> regions() const override;
  bool PostQueueCommand(std::string_view region, uint32_t shard,
                        session::QueueCommand* command) override;
  GatewayStatus GetStatus() const override;
  bool StartTrace(const IpNetwork& client, TraceSink sink) override;
  bool StartOutboundTrace(std::string_view next_hop, TraceSink sink) override;
  void StopTrace() override;
  void RequestReload(std::function<void(const ReloadOutcome&)> done) override;
  void RequestIdentity(IdentityRequest request, uint32_t uid,
                       std::function<void(const identity::Json&)> done) override;
  void RequestDomain(DomainRequest request, uint32_t uid,
                     std::function<void(const identity::Json&)> done) override;
  void RequestLink(LinkRequest request, uint32_t uid,
                   std::function<void(const identity::Json&)> done) override;
  void RequestTlsReport(TlsReportRequest request,
                        std::function<void(const identity::Json&)> done) override;
  void RequestSts(StsRequest request, uint32_t uid,
                  std::function<void(const identity::Json&)> done) override;
  void RequestSuppression(SuppressionRequest request, uint32_t uid,
                          std::function<void(const identity::Json&)> done) override;
  void RequestDrain() override;
  int request_fd() const override { return request_fd_; }
  bool ServeRequests() override;
  ReloadOutcome Reload() override;
  void BeginDrain() override;
  bool drained() const override;
  [[nodiscard]] Millis Tick() override;
  bool Stop() override;
  void ReopenLogs() override;
  std::vector<std::pair<std::string, int>> ListeningSockets() const override;
  std::vector<std::string> Introduction() const override;
  Seconds drain_grace() const override { return config_.limits.drain_grace; }

 private:
  struct Region {
    RegionConfig config;
    std::unique_ptr<LogFile> log;
    std::unique_ptr<storage::RocksSpool> spool;
    std::unique_ptr<session::SuppressionList> suppressions;  // outlives the shards
    delivery::SiteBudgets budgets;
  };
  using Sockets = std::map<Endpoint, std::vector<ListenSocket>>;  // one per shard

  Status OpenRegion(const RegionConfig& config);
  // What the service manager has, or at least the proof that nobody else listens there.
  Status ClaimListeners(ListenFds* handed_over);
  Status OpenAllListeners();
  void DecideKernelRecords();
  Status StartShards();
  // Gives every shard its listeners; `fresh` holds the sockets that are new to them.
  void HandOutListeners(const Sockets& fresh);
  size_t RegionIndex(std::string_view name) const;  // npos: none
  void ForEachShard(const std::function<void(Shard&)>& work);
  void ApplyLimits();
  uint64_t BytesInUse();
  bool FreedIsNotWanted();
  uint64_t TrafficBytes() const;  // in and out, since the start
  void Wake();

  // gateway_logins.cc
  Status OpenControlStore();
  Status PrepareLogins();

  // gateway_acme.cc
  // Reads the certificates of the control store, where there is an [acme].
  Status PrepareAcme(const Config& config);
  // To be presented besides those of the configuration; a stand-in where there are none at all.
  std::vector<std::shared_ptr<const tls::Certificate>> AcmeCertificates();
  void ServeNewCertificates();

  // gateway_sts.cc
  Status PrepareSts(const ClientTlsContexts& tls);
  Status TrustForSts(const ClientTlsContexts& tls);
  Status StartSts();

  // gateway_identity.cc
  Status OpenIdentity();
  Status StartIdentity();
  void StopIdentity();
  LinkOptions MakeLinkOptions();
  Status QueueOwnMail(std::string_view region, session::OwnMail mail);
  void OpenLimits();
  void StartLimits();

  // gateway_reports.cc
  void OpenTlsReports(std::shared_ptr<const tls::ClientContext> verifies_nobody);

  // gateway_reload.cc
  ReloadOutcome Apply(Config fresh);
  std::vector<std::string> RestartKeys(const Config& fresh) const;
  bool OpenNewListeners(const Config& fresh, Sockets* opened, std::string* why_not);
  void LogReload(const ReloadOutcome& outcome);

  template <typename StartOne>
  bool StartSomeTrace(const StartOne& start);

  Config config_;
  const std::string hostname_, config_path_;  // copies that any thread may read
  Log* log_;
  uint32_t shard_count_ = 0;
  int store_lock_ = -1;
  int request_fd_ = -1;
  std::vector<std::unique_ptr<Region>> regions_;
  std::unique_ptr<WorkerPool> signers_;               // posts to the shards, which outlive it
  std::unique_ptr<session::MailLookup> mail_lookup_;  // likewise
  std::unique_ptr<http::StsService> sts_;             // stops before the lookups, goes after them
  std::vector<std::unique_ptr<Shard>> shards_;
  std::shared_ptr<const delivery::DeliveryConfig> delivery_;
  tls::KernelRecordRule kernel_records_;
  const std::shared_ptr<tls::TicketKeys> tickets_ = std::make_shared<tls::TicketKeys>();
  const std::shared_ptr<tls::AlpnChallenges> alpn_challenges_ =
      std::make_shared<tls::AlpnChallenges>();
  http::AcmeChallenges acme_challenges_;
  std::unique_ptr<storage::ControlStore> control_store_;
  std::unique_ptr<IdentityService> identity_;
  std::unique_ptr<LinkDesk> link_desk_;
  SuppressionDesk suppression_desk_;  // of the regions' lists, for operators
  std::unique_ptr<DomainKeeper> domains_;
  std::unique_ptr<LimitKeeper> limits_;               // stops after the shards, which count
  std::unique_ptr<TlsReportService> tls_reports_;     // likewise: they record
  std::shared_ptr<http::AcmeService> acme_;           // null: no [acme]. Changes under mutex_
  std::shared_ptr<const tls::Certificate> stand_in_;  // once it was needed
  std::unique_ptr<PasswordStore> passwords_;
  std::unique_ptr<identity::UnknownNames> unknown_names_;
  std::unique_ptr<WorkerPool> workers_;  // for passwords; outlives what the shards do
  session::LoginShared logins_;          // the three of these
  session::InboundShared inbound_;
  std::unique_ptr<http::Server> http_;  // outlives the shards
  ListenerCounts listener_counts_;
  Sockets sockets_;
  bool handed_out_ = false;  // sockets_ belong to the shards now
  MemoryWatch memory_;
  FreedMemoryWatch freed_;
  MonoTime next_freed_look_;
  bool draining_ = false;

  mutable std::mutex mutex_;
  WallTime started_, config_loaded_;
  std::string state_ = "starting";
  std::vector<std::string> listener_names_;
  std::string web_base_;
  uint64_t memory_bytes_ = 0, memory_ceiling_ = 0;
  bool tracing_ = false;
  bool drain_requested_ = false;
  bool certificates_changed_ = false;
  std::vector<std::function<void(const ReloadOutcome&)>> reload_requests_;
};

}  // namespace ringpost::app
