#include "gateway/app/gateway.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "gateway/app/allocator.h"
#include "gateway/app/gateway_impl.h"
#include "gateway/app/process_setup.h"
#include "gateway/base/check.h"
#include "gateway/base/limits.h"
#include "gateway/base/time.h"

namespace ringpost::app {
namespace {

Status Prefixed(const std::string& prefix, const Status& status) {
  return MakeStatus(status.code(), prefix + std::string(MessageOf(status)));
}

}  // namespace

StatusOr<std::unique_ptr<Gateway>> Gateway::Make(Config config, ListenFds* handed_over, Log* log) {
  auto gateway = std::make_unique<GatewayImpl>(std::move(config), log);
  Status status = gateway->Prepare(handed_over);
  if (!status.ok()) return status;
  return StatusOr<std::unique_ptr<Gateway>>(std::move(gateway));
}

GatewayImpl::GatewayImpl(Config config, Log* log)
    : config_(std::move(config)),
      hostname_(config_.hostname),
      config_path_(config_.source_path),
      log_(log),
      memory_(config_.limits.memory_bytes_max) {
  request_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  RP_CHECK(request_fd_ >= 0);
}

GatewayImpl::~GatewayImpl() {
  RP_CHECK(shards_.empty());  // Stop, or never started
  http_.reset();
  link_desk_.reset();
  for (auto& [address, sockets] : sockets_) CloseAll(sockets);
  regions_.clear();
  if (store_lock_ >= 0) close(store_lock_);
  close(request_fd_);
}

Status GatewayImpl::Prepare(ListenFds* handed_over) {
  // The store's threads take about as much of a processor as a shard.
  uint32_t processors = std::max(2u, std::thread::hardware_concurrency());
  shard_count_ = config_.reactor.cores > 0 ? config_.reactor.cores : processors - 1;
  Status made = MakeDirectories(config_.store.path);
  if (!made.ok()) return made;
  ChoosePages(memory_.ceiling_bytes());
  StatusOr<int> lock = LockStore(config_.store.path);
  if (!lock.ok()) return lock.status();
  store_lock_ = *lock;
  // The ports first: opening a store can take long, and a port that is taken is found out at once.
  Status claimed = ClaimListeners(handed_over);
  if (!claimed.ok()) return claimed;
  for (const RegionConfig& region : config_.regions) {
    Status opened = OpenRegion(region);
    if (!opened.ok()) return Prefixed("region " + region.name + ": ", opened);
  }
  Status control = OpenControlStore();
  if (!control.ok()) return control;
  Status identity = OpenIdentity();
  if (!identity.ok()) return identity;
  Status logins = PrepareLogins();
  if (!logins.ok()) return logins;
  Status acme = PrepareAcme(config_);
  if (!acme.ok()) return Prefixed("[acme] ", acme);
  delivery_ = MakeDeliveryConfig(config_);
  ApplyLimits();
  auto http = http::Server::Start(&acme_challenges_, link_desk_.get());
  if (!http.ok()) return http.status();
  http_ = std::move(*http);
  inbound_.http = http_.get();
  Status started = StartShards();
  if (!started.ok()) Stop();
  return started;
}

Status GatewayImpl::OpenRegion(const RegionConfig& config) {
  auto region = std::make_unique<Region>();
  region->config = config;
  Status made = MakeDirectories(config.store);
  if (!made.ok()) return made;
  size_t slash = config.log.rfind('/');
  if (slash > 0) made = MakeDirectories(config.log.substr(0, slash));
  if (!made.ok()) return made;
  auto log = LogFile::Open(config.log, shard_count_ + 3);
  if (!log.ok()) return log.status();
  region->log = std::move(*log);
  storage::SpoolOptions options;
  options.path = config.store + "/spool";
  options.free_space_floor_bytes = config_.store.free_bytes_min;
  options.key_epoch = config_.store.key_epoch;
  // Under a low memory ceiling the store's own memory must not be what reaches it, also where the
  // disk is slow: nothing that sheds mail stops what is delivered from being written.
  uint64_t share = memory_.ceiling_bytes() / config_.regions.size();
  if (share / 4 < 7 * options.memtable_bytes) {
    options.memtable_bytes = std::min(options.memtable_bytes, share / 16);
    options.memory_is_scarce = true;
  }
  options.block_cache_bytes = std::min(options.block_cache_bytes, share / 32);
  options.log = region->log.get();
  auto spool = storage::RocksSpool::Open(std::move(options));
  if (!spool.ok()) return spool.status();
  region->spool = std::move(*spool);
  auto suppressions =
      session::SuppressionList::Open(config.store + "/suppressions", region->log.get());
  if (!suppressions.ok()) return suppressions.status();
  region->suppressions = std::move(*suppressions);
  suppression_desk_.AddRegion(config.name, region->suppressions.get(), region->log.get());
  regions_.push_back(std::move(region));
  return OkStatus();
}

Status GatewayImpl::ClaimListeners(ListenFds* handed_over) {
  MonoTime patience = ReadMonoClock() + Millis(limits::kListenRetryMillis);
  for (const ListenerConfig& listener : config_.listeners) {
    auto taken = TakeListeners(listener.address, shard_count_, handed_over);
    if (!taken.ok()) return taken.status();
    Status free = taken->empty() ? ProbeListener(listener.address, patience) : OkStatus();
    if (!free.ok()) return free;
    sockets_[listener.address] = std::move(*taken);
  }
  return OkStatus();
}

Status GatewayImpl::OpenAllListeners() {
  for (auto& [address, sockets] : sockets_) {
    Status opened = OpenListeners(address, shard_count_, &sockets);
    if (!opened.ok()) return opened;
  }
  return OkStatus();
}

// Once: what the kernel can do does not change while we run, and the choice needs a restart.
void GatewayImpl::DecideKernelRecords() {
  using Mode = tls::KernelRecordRule::Mode;
  constexpr const char* kModes[] = {"auto", "on", "off"};
  tls::KernelRecordSupport support;
  if (config_.ktls != Mode::kOff) support = tls::ProbeKernelRecords();
  kernel_records_ = tls::KernelRecordRule::Make(config_.ktls, support);
  LogLine line(ReadWallClock(), "kernel_tls");
  line.Text("ktls", kModes[static_cast<size_t>(config_.ktls)]).Text("kernel", support.ToString());
  if (config_.ktls == Mode::kOn && support.empty()) {
    line.Text("words",
              "tls.ktls is on, but this kernel makes no TLS records (is its module loaded? try "
              "modprobe tls); the gateway makes them itself");
  }
  line.To(*log_);
}

Status GatewayImpl::StartShards() {
  DecideKernelRecords();
  const std::vector<uint32_t> cpus = AllowedCpus();
  auto tls = MakeClientTlsContexts(config_);
  if (!tls.ok()) return tls.status();
  Status sts = PrepareSts(*tls);
  if (!sts.ok()) return sts;
  session::MailLookupOptions lookups = MakeMailLookupOptions(config_);
  lookups.policies = sts_.get();
  auto lookup = session::MailLookup::Make(lookups);
  if (!lookup.ok()) return lookup.status();
  mail_lookup_ = std::move(*lookup);
  OpenTlsReports(tls->any);
  if (sts = StartSts(); !sts.ok()) return sts;
  signers_ =
      std::make_unique<WorkerPool>("rp-sign", std::max(1u, std::thread::hardware_concurrency()),
                                   limits::kSignatureJobsMax, limits::kSignersNice);
  for (uint32_t index = 0; index < shard_count_; ++index) {
    ShardSetup setup;
    setup.index = index;
    if (!cpus.empty()) setup.cpu = cpus[index % cpus.size()];
    setup.shards = shard_count_;
    setup.hostname = config_.hostname;
    setup.ring.shard = index;
    setup.ring.buffer_bytes = limits::kReceiveBufferBytes;
    setup.ring.buffer_count = config_.reactor.buffers;
    for (auto& region : regions_) {
      setup.regions.push_back({region->config.name, region->config.egress, region->spool.get(),
                               region->log.get(), &region->budgets, region->suppressions.get()});
    }
    setup.delivery = delivery_;
    setup.inbound = &inbound_;
    setup.logins = &logins_;
    setup.tls_any = tls->any;
    setup.tls_verified = tls->verified;
    setup.kernel_records = kernel_records_;
    setup.mail_lookup = mail_lookup_.get();
    setup.signers = signers_.get();
    setup.tls_outcomes = tls_reports_->outcomes();
    auto shard = std::make_unique<Shard>(std::move(setup));
    Status status = shard->Start();
    if (!status.ok()) return Prefixed("shard " + std::to_string(index) + ": ", status);
    shards_.push_back(std::move(shard));
  }
  tls_reports_->Start();
  return StartIdentity();
}

Status GatewayImpl::Start() {
  Status opened = OpenAllListeners();
  if (!opened.ok()) return opened;
  HandOutListeners(sockets_);
  handed_out_ = true;
  if (acme_) acme_->Start();
  for (size_t i = 0; i < regions_.size(); ++i) {
    std::vector<storage::ScanTarget> targets;
    for (auto& shard : shards_) targets.push_back(shard->ScanTargetFor(i));
    regions_[i]->spool->StartScan(std::move(targets));
  }
  std::lock_guard lock(mutex_);
  started_ = config_loaded_ = ReadWallClock();
  state_ = "running";
  return OkStatus();
}

void GatewayImpl::HandOutListeners(const Sockets& fresh) {
  std::vector<ShardListenerSetup> common;
  std::vector<std::string> names;
  http_->SetHttpsPort(HttpsPort(config_));
  TlsContexts tls = MakeTlsContexts(config_, tickets_, AcmeCertificates(), alpn_challenges_);
  for (const ListenerConfig& listener : config_.listeners) {
    ShardListenerSetup setup;
    setup.address = listener.address;
    setup.region = RegionIndex(listener.region);
    setup.policy =
        MakeListenerPolicy(config_, listener, tls, kernel_records_, delivery_, &listener_counts_);
    common.push_back(std::move(setup));
    names.push_back(listener.address.ToString());
    if (!listener.tls_old_versions) continue;
    LogLine(ReadWallClock(), "old_tls_versions")
        .Text("listener", names.back())
        .Text("words", "TLS 1.0 and 1.1 are taken here, as tls_old_versions asks")
        .To(*log_);
  }
  for (size_t i = 0; i < shards_.size(); ++i) {
    std::vector<ShardListenerSetup> mine = common;
    for (ShardListenerSetup& setup : mine) {
      auto found = fresh.find(setup.address);
      if (found != fresh.end()) setup.fd = found->second[i].fd;
    }
    Shard* shard = shards_[i].get();
    shard->Post([shard, mine = std::move(mine)] { shard->SetListeners(mine); });
  }
  std::lock_guard lock(mutex_);
  listener_names_ = std::move(names);
  web_base_ = WebBase(config_);
}

size_t GatewayImpl::RegionIndex(std::string_view name) const {
  for (size_t i = 0; i < regions_.size(); ++i) {
    if (regions_[i]->config.name == name) return i;
  }
  return std::string::npos;
}

void GatewayImpl::ForEachShard(const std::function<void(Shard&)>& work) {
  for (auto& shard : shards_) {
    Shard* one = shard.get();
    one->Post([one, work] { work(*one); });
  }
}

void GatewayImpl::ApplyLimits() {
  inbound_.connections_max.store(InboundConnectionsMax(config_, OpenFilesMax()));
  memory_.Configure(config_.limits.memory_bytes_max);
  std::lock_guard lock(mutex_);
  memory_ceiling_ = memory_.ceiling_bytes();
}

void GatewayImpl::BeginDrain() {
  if (draining_) return;
  draining_ = true;
  LogLine(ReadWallClock(), "draining").To(*log_);
  ForEachShard([](Shard& shard) { shard.BeginDrain(); });
  http_->BeginDrain();
  std::lock_guard lock(mutex_);
  state_ = "draining";
}

bool GatewayImpl::drained() const {
  return http_->drained() && std::all_of(shards_.begin(), shards_.end(), [](const auto& shard) {
           return shard->gauges().drained.load(std::memory_order_acquire);
         });
}

Millis GatewayImpl::Tick() {
  using session::Pressure;
  Pressure before = inbound_.pressure.load(std::memory_order_relaxed);
  Pressure now = memory_.Judge(BytesInUse());
  inbound_.pressure.store(now, std::memory_order_relaxed);
  if (now != before) {
    LogLine(ReadWallClock(), now > before ? "memory_short" : "memory_eased")
        .Number("level", static_cast<int>(now))
        .Number("bytes", static_cast<int64_t>(memory_.bytes()))
        .Number("ceiling_bytes", static_cast<int64_t>(memory_.ceiling_bytes()))
        .To(*log_);
  }
  if (now >= Pressure::kCloseIdle) ForEachShard([](Shard& shard) { shard.CloseIdle(); });
  std::lock_guard lock(mutex_);
  memory_bytes_ = memory_.bytes();
  if (!draining_) state_ = now == Pressure::kNone ? "running" : "shedding";
  return memory_.NextLook();
}

// What is resident, after what was freed has left the process where it has to: before anybody is
// refused anything for it, and as long as somebody is, or the level could never fall.
uint64_t GatewayImpl::BytesInUse() {
  uint64_t bytes = OwnBytes();
  bool unwanted = FreedIsNotWanted();  // it counts by the second, so it is asked in any case
  if (!unwanted && !memory_.IsShort(bytes)) return bytes;
  ReturnFreedMemory();
  return OwnBytes();
}

// Asked once a second: it costs the allocator's locks.
bool GatewayImpl::FreedIsNotWanted() {
  MonoTime now = ReadMonoClock();
  if (now < next_freed_look_) return false;
  next_freed_look_ = now + Seconds(1);
  uint64_t unused_max = limits::kFreedBytesUnusedPerRegionMax * regions_.size();
  return freed_.Look(TrafficBytes(), FreedBytesKept(), unused_max, now);
}

uint64_t GatewayImpl::TrafficBytes() const {
  uint64_t sum = 0;
  for (const auto& shard : shards_) {
    sum +=
        shard->counters().Get(Counter::kReceiveBytes) + shard->counters().Get(Counter::kSendBytes);
  }
  return sum;
}

bool GatewayImpl::Stop() {
  acme_.reset();  // before what it uses
  StopIdentity();
  if (tls_reports_) tls_reports_->StopSending();
  for (auto& region : regions_) region->spool->StopScan();  // it posts to the shards
  ForEachShard([](Shard& shard) { shard.Finish(); });
  bool all = true;
  for (auto& shard : shards_) all = shard->AwaitEnd(Seconds(limits::kStopSeconds)) && all;
  if (limits_) limits_->Stop();
  if (tls_reports_) tls_reports_->Stop();
  if (!all) return false;
  if (handed_out_) sockets_.clear();                    // the shards have closed them
  for (auto& region : regions_) region->spool.reset();  // its threads may post to the shards
  workers_.reset();                                     // they too, and read the control store
  signers_.reset();                                     // and so may these
  if (sts_) sts_->Stop();
  mail_lookup_.reset();
  sts_.reset();
  shards_.clear();
  http_.reset();  // it logs to the regions, and asks the identity service
  link_desk_.reset();
  limits_.reset();
  tls_reports_.reset();
  identity_.reset();
  control_store_.reset();
  regions_.clear();
  return true;
}

void GatewayImpl::ReopenLogs() {
  for (auto& region : regions_) region->log->Reopen();
}

std::vector<std::pair<std::string, int>> GatewayImpl::ListeningSockets() const {
  std::vector<std::pair<std::string, int>> named;
  for (const auto& [address, sockets] : sockets_) {
    for (const ListenSocket& socket : sockets) {
      if (!socket.name.empty()) named.emplace_back(socket.name, socket.fd);
    }
  }
  return named;
}

namespace {

std::string TlsWords(const ListenerConfig& listener) {
  static constexpr std::string_view kWords[] = {"in clear", "STARTTLS", "STARTTLS required",
                                                "implicit TLS"};
  std::string words(kWords[static_cast<size_t>(listener.tls)]);
  return listener.tls_old_versions ? words + " from 1.0 on" : words;
}

// "SMTP, STARTTLS".
std::string ProtocolWords(const ListenerConfig& listener) {
  static constexpr std::string_view kWords[] = {"SMTP", "HTTP", "SMTP and HTTP"};
  return std::string(kWords[static_cast<size_t>(listener.protocol)]) + ", " + TlsWords(listener);
}

}  // namespace

std::vector<std::string> GatewayImpl::Introduction() const {
  std::vector<std::string> lines;
  for (const ListenerConfig& listener : config_.listeners) {
    bool http = listener.protocol == session::ListenerProtocol::kHttp;
    lines.push_back((http ? "HTTP:     " : "mail in:  ") + listener.address.ToString() + " (" +
                    ProtocolWords(listener) + ", region " + listener.region + ")");
  }
  for (const delivery::Route& route : config_.routes) {
    std::string line = "mail out: " + route.domain + " to";
    for (const delivery::NextHop& hop : route.next_hops) line += " " + hop.ToString();
    lines.push_back(std::move(line));
    if (lines.size() > limits::kIntroductionLinesMax) break;
  }
  for (const auto& region : regions_) {
    lines.push_back("region " + region->config.name + ": store " + region->config.store + ", log " +
                    region->config.log);
  }
  lines.push_back("control:  " + config_.control.socket);
  lines.push_back("memory:   ceiling " + std::to_string(memory_.ceiling_bytes() / limits::kMiB) +
                  " MiB, from " + memory_.ceiling_from());
  if (!shards_.empty()) {
    lines.push_back("cores:    " + std::to_string(shard_count_) + ", " + shards_[0]->Features());
  }
  return lines;
}

}  // namespace ringpost::app
