#include "gateway/app/log_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "gateway/base/check.h"
#include "gateway/base/limits.h"

namespace ringpost::app {
namespace {

constexpr size_t kRingBytes = limits::kLogRingBytes;
static_assert((kRingBytes & (kRingBytes - 1)) == 0);

// Threads are numbered as they first log; a thread begins its search for a ring at its number, so
// that in practice each has one to itself.
size_t ThreadNumber() {
  static std::atomic<size_t> next{0};
  thread_local const size_t number = next.fetch_add(1, std::memory_order_relaxed);
  return number;
}

std::string ErrnoText(int error) {
  char buffer[128];
  return strerror_r(error, buffer, sizeof buffer);
}

StatusOr<int> OpenForAppend(const std::string& path) {
  int fd = path.empty()
               ? ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)
               : ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
  if (fd >= 0) return fd;
  return MakeStatus(StatusCode::kUnavailable,
                    "cannot open the log " + (path.empty() ? "on standard error" : "file " + path) +
                        ": " + ErrnoText(errno));
}

// How much of the first `size` bytes of a ring that begins at `from` is whole lines.
uint64_t WholeLines(const char* ring, uint64_t from, uint64_t size) {
  while (size > 0 && ring[(from + size - 1) & (kRingBytes - 1)] != '\n') --size;
  return size;
}

}  // namespace

// A byte ring with one reader, the writer thread. `busy` makes whoever logs its one producer for
// the length of a copy; the reader never takes it, so no producer ever waits for the reader.
struct LogFile::Ring {
  alignas(64) std::atomic<bool> busy{false};
  std::atomic<uint64_t> tail{0};              // bytes ever put in; moved by the producer
  alignas(64) std::atomic<uint64_t> head{0};  // bytes ever taken out; moved by the writer
  std::atomic<uint64_t> dropped{0};           // lines not yet reported
  char* bytes = nullptr;

  // The bytes in use after `line` went in; 0 where it did not fit.
  uint64_t Put(std::string_view line) {
    uint64_t at = tail.load(std::memory_order_relaxed);
    uint64_t used = at - head.load(std::memory_order_acquire);
    if (line.size() + 1 > kRingBytes - used) return 0;
    size_t offset = at & (kRingBytes - 1);
    size_t first = std::min(line.size(), kRingBytes - offset);
    std::memcpy(bytes + offset, line.data(), first);
    if (first < line.size()) std::memcpy(bytes, line.data() + first, line.size() - first);
    bytes[(at + line.size()) & (kRingBytes - 1)] = '\n';
    // Sequentially consistent, as is the load of Writer::sleep behind it: the writer says that it
    // sleeps, then looks here again, so one of the two sees the other.
    tail.store(at + line.size() + 1, std::memory_order_seq_cst);
    return used + line.size() + 1;
  }
  bool empty() const {
    return tail.load(std::memory_order_seq_cst) == head.load(std::memory_order_relaxed) &&
           dropped.load(std::memory_order_relaxed) == 0;
  }
};

struct LogFile::Writer {
  // Napping: a ring more than half full wakes it. Idle: any line does. Awake: nothing needs to.
  enum Sleep : uint32_t { kAwake, kNapping, kIdle };

  Writer(const std::string* file_path, Ring* first, size_t count)
      : path(file_path), rings(first), ring_count(count) {}

  void Run();
  void Wake() {
    uint64_t one = 1;
    [[maybe_unused]] ssize_t n = ::write(wake_fd, &one, sizeof one);
  }
  void WakeIfAsleep(uint64_t ring_used) {
    uint32_t how = sleep.load(std::memory_order_seq_cst);
    if (how == kAwake || (how == kNapping && ring_used <= kRingBytes / 2)) return;
    if (sleep.exchange(kAwake) != kAwake) Wake();
  }
  void SleepFor(Sleep how, int millis);
  bool RingsEmpty() const {
    return std::all_of(rings, rings + ring_count, [](const Ring& ring) { return ring.empty(); });
  }
  // One look at every ring. False: the file does not take what it is given.
  bool Pass(bool* wrote);
  bool Empty(Ring& ring);
  bool Report(Ring& ring);
  // Writes all of both pieces, or as much as can be; the bytes that went out are in `*written`.
  bool Write(iovec* pieces, int count, uint64_t* written);
  bool ReopenNow();
  void Failed(const std::string& words);

  const std::string* path;
  Ring* rings;
  size_t ring_count;
  std::thread thread;
  int wake_fd = -1;
  int fd = -1;
  bool torn_line = false;  // the file ends in a piece of a line
  std::atomic<uint32_t> sleep{kAwake};
  std::atomic<bool> stopping{false};
  std::atomic<bool> reopen{false};

  std::mutex mutex;  // guards `stats`; never taken by Append
  std::condition_variable passed;
  LogFileStats stats;
};

void LogFile::Writer::SleepFor(Sleep how, int millis) {
  sleep.store(how, std::memory_order_seq_cst);
  if (how != kIdle || RingsEmpty()) {
    pollfd p{wake_fd, POLLIN, 0};
    ::poll(&p, 1, millis);
  }
  sleep.store(kAwake, std::memory_order_seq_cst);
  uint64_t wakes;
  [[maybe_unused]] ssize_t n = ::read(wake_fd, &wakes, sizeof wakes);
}

void LogFile::Writer::Run() {
  for (;;) {
    bool last = stopping.load(std::memory_order_acquire);
    bool reopened = !reopen.exchange(false) || ReopenNow();
    if (!reopened) reopen.store(true);
    bool wrote = false;
    bool fine = Pass(&wrote) && reopened;
    {
      std::lock_guard<std::mutex> lock(mutex);
      if (fine) stats.last_error.clear();
    }
    passed.notify_all();
    if (last) return;
    if (!fine) {
      SleepFor(kAwake, limits::kLogRetryMillis);
    } else if (wrote) {
      SleepFor(kNapping, limits::kLogPauseMillis);
    } else {
      SleepFor(kIdle, -1);
    }
  }
}

bool LogFile::Writer::Pass(bool* wrote) {
  for (size_t i = 0; i < ring_count; ++i) {
    Ring& ring = rings[i];
    if (ring.empty()) continue;
    *wrote = true;
    if (!Empty(ring) || !Report(ring)) return false;
  }
  return true;
}

bool LogFile::Writer::Empty(Ring& ring) {
  uint64_t head = ring.head.load(std::memory_order_relaxed);
  uint64_t size = ring.tail.load(std::memory_order_acquire) - head;
  if (size == 0) return true;
  if (torn_line) {
    iovec end{const_cast<char*>("\n"), 1};
    uint64_t written = 0;
    if (!Write(&end, 1, &written)) return false;
    torn_line = false;
  }
  size_t offset = head & (kRingBytes - 1);
  size_t first = std::min<size_t>(size, kRingBytes - offset);
  iovec pieces[2] = {{ring.bytes + offset, first}, {ring.bytes, size - first}};
  uint64_t written = 0;
  bool fine = Write(pieces, size > first ? 2 : 1, &written);
  uint64_t whole = fine ? written : WholeLines(ring.bytes, head, written);
  torn_line = whole < written;
  ring.head.store(head + whole, std::memory_order_release);
  return fine;
}

bool LogFile::Writer::Report(Ring& ring) {
  uint64_t lines = ring.dropped.exchange(0, std::memory_order_relaxed);
  if (lines == 0) return true;
  LogLine line(ReadWallClock(), "log_lines_dropped");
  line.Number("lines", static_cast<int64_t>(lines));
  std::string text = line.text() + "}\n";
  iovec piece{text.data(), text.size()};
  uint64_t written = 0;
  bool fine = Write(&piece, 1, &written);
  if (!fine) {
    torn_line = torn_line || written > 0;
    ring.dropped.fetch_add(lines, std::memory_order_relaxed);
    return false;
  }
  std::lock_guard<std::mutex> lock(mutex);
  stats.lines_dropped += lines;
  return true;
}

bool LogFile::Writer::Write(iovec* pieces, int count, uint64_t* written) {
  while (count > 0) {
    ssize_t n = ::writev(fd, pieces, count);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      Failed("cannot write to the log file: " + ErrnoText(n == 0 ? ENOSPC : errno));
      return false;
    }
    *written += static_cast<uint64_t>(n);
    {
      std::lock_guard<std::mutex> lock(mutex);
      stats.bytes_written += static_cast<uint64_t>(n);
    }
    size_t left = static_cast<size_t>(n);
    while (count > 0 && left >= pieces->iov_len) {
      left -= pieces->iov_len;
      ++pieces;
      --count;
    }
    if (count > 0) {
      pieces->iov_base = static_cast<char*>(pieces->iov_base) + left;
      pieces->iov_len -= left;
    }
  }
  return true;
}

bool LogFile::Writer::ReopenNow() {
  StatusOr<int> opened = OpenForAppend(*path);
  if (!opened.ok()) {
    Failed(std::string(MessageOf(opened.status())));
    return false;
  }
  ::close(fd);
  fd = *opened;
  torn_line = false;
  return true;
}

void LogFile::Writer::Failed(const std::string& words) {
  std::lock_guard<std::mutex> lock(mutex);
  ++stats.write_errors;
  stats.last_error = words;
}

LogFile::LogFile(std::string path, size_t rings)
    : path_(std::move(path)),
      ring_count_(std::clamp<size_t>(rings, 1, limits::kLogRingsMax)),
      rings_(std::make_unique<Ring[]>(ring_count_)),
      writer_(std::make_unique<Writer>(&path_, rings_.get(), ring_count_)) {
  for (size_t i = 0; i < ring_count_; ++i) {
    // Pages are taken as they are first used: rings that nobody logs to cost nothing.
    void* memory = ::mmap(nullptr, kRingBytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    RP_CHECK(memory != MAP_FAILED);
    rings_[i].bytes = static_cast<char*>(memory);
  }
}

StatusOr<std::unique_ptr<LogFile>> LogFile::Open(std::string path, size_t rings) {
  StatusOr<int> fd = OpenForAppend(path);
  if (!fd.ok()) return fd.status();
  std::unique_ptr<LogFile> log(new LogFile(std::move(path), rings));
  Writer* writer = log->writer_.get();
  writer->fd = *fd;
  writer->wake_fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (writer->wake_fd < 0) {
    return MakeStatus(StatusCode::kUnavailable, "cannot make an eventfd: " + ErrnoText(errno));
  }
  writer->thread = std::thread([writer] { writer->Run(); });
  return log;
}

LogFile::~LogFile() {
  if (writer_->thread.joinable()) {
    writer_->stopping.store(true, std::memory_order_release);
    writer_->Wake();
    writer_->thread.join();
  }
  if (writer_->wake_fd >= 0) ::close(writer_->wake_fd);
  if (writer_->fd >= 0) ::close(writer_->fd);
  for (size_t i = 0; i < ring_count_; ++i) ::munmap(rings_[i].bytes, kRingBytes);
}

void LogFile::Append(std::string_view line) {
  size_t start = ThreadNumber();
  for (size_t i = 0; i < ring_count_; ++i) {
    Ring& ring = rings_[(start + i) % ring_count_];
    if (ring.busy.exchange(true, std::memory_order_acquire)) continue;
    uint64_t used = line.size() < limits::kLogLineBytesMax ? ring.Put(line) : 0;
    ring.busy.store(false, std::memory_order_release);
    if (used == 0) ring.dropped.fetch_add(1, std::memory_order_relaxed);
    writer_->WakeIfAsleep(used);
    return;
  }
  rings_[0].dropped.fetch_add(1, std::memory_order_relaxed);
}

void LogFile::Reopen() {
  writer_->reopen.store(true);
  writer_->Wake();
}

bool LogFile::Flush(Millis wait) {
  std::vector<uint64_t> until(ring_count_);
  for (size_t i = 0; i < ring_count_; ++i) until[i] = rings_[i].tail.load();
  writer_->Wake();
  std::unique_lock<std::mutex> lock(writer_->mutex);
  return writer_->passed.wait_for(lock, wait, [&] {
    for (size_t i = 0; i < ring_count_; ++i) {
      if (rings_[i].head.load() < until[i]) return false;
    }
    return true;
  });
}

LogFileStats LogFile::stats() const {
  std::lock_guard<std::mutex> lock(writer_->mutex);
  LogFileStats stats = writer_->stats;
  for (size_t i = 0; i < ring_count_; ++i) stats.lines_dropped += rings_[i].dropped.load();
  return stats;
}

}  // namespace ringpost::app
