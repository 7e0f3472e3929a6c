#include "gateway/reactor/feature_probe.h"

#include <liburing.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "gateway/reactor/ring_setup.h"

namespace ringpost::reactor {
namespace {

// Names of newer headers than Debian 12's (linux/io_uring.h).
constexpr unsigned kFeatRecvSendBundle = 1u << 14;
constexpr unsigned kFeatMinTimeout = 1u << 15;
constexpr uint16_t kPbufRingInc = 2;
constexpr int kProbeGroup = 0x7FFF;

bool ProbeMessage(io_uring* ring) {
  io_uring target;
  if (SetUpRing(&target, 8, 16) != 0) return false;
  io_uring_sqe* sqe = io_uring_get_sqe(ring);
  io_uring_prep_msg_ring(sqe, target.ring_fd, 0, 42, 0);
  bool works = false;
  io_uring_cqe* cqe = nullptr;
  if (io_uring_submit_and_wait(ring, 1) == 1 && io_uring_peek_cqe(ring, &cqe) == 0) {
    bool sent = cqe->res == 0;
    io_uring_cqe_seen(ring, cqe);
    __kernel_timespec soon{1, 0};
    works = sent && io_uring_wait_cqe_timeout(&target, &cqe, &soon) == 0 && cqe->user_data == 42;
  }
  io_uring_queue_exit(&target);
  return works;
}

bool ProbeIncrementalBuffers(io_uring* ring) {
  size_t size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<uintptr_t>(memory);
  registration.ring_entries = 8;
  registration.bgid = kProbeGroup;
  // The flags are the 16 bits behind bgid; Debian 12's header still calls them padding.
  memcpy(reinterpret_cast<char*>(&registration.bgid) + sizeof registration.bgid, &kPbufRingInc,
         sizeof kPbufRingInc);
  bool works = io_uring_register_buf_ring(ring, &registration, 0) == 0;
  if (works) io_uring_unregister_buf_ring(ring, kProbeGroup);
  munmap(memory, size);
  return works;
}

bool ProbeOpcode(io_uring* ring, int opcode) {
  io_uring_probe* probe = io_uring_get_probe_ring(ring);
  if (probe == nullptr) return false;
  bool works = io_uring_opcode_supported(probe, opcode);
  io_uring_free_probe(probe);
  return works;
}

std::string YesNo(bool yes, const char* where_yes = "yes (unused)") {
  return yes ? where_yes : "no";
}

}  // namespace

RingFeatures ProbeFeatures(io_uring* ring) {
  RingFeatures features;
  features.recv_bundle = ring->features & kFeatRecvSendBundle;
  features.minimum_wait = ring->features & kFeatMinTimeout;
  features.msg_ring = ProbeMessage(ring);
  features.incremental_buffers = ProbeIncrementalBuffers(ring);
  features.send_zero_copy = ProbeOpcode(ring, IORING_OP_SENDMSG_ZC);
  return features;
}

std::string RingFeatures::ToString() const {
  utsname kernel;
  uname(&kernel);
  return std::string("kernel ") + kernel.release + ", registered_ring " +
         YesNo(registered_ring, "yes") + ", msg_ring " + YesNo(msg_ring, "yes") + ", recv_bundle " +
         YesNo(recv_bundle) + ", incremental_buffers " + YesNo(incremental_buffers) +
         ", minimum_wait " + YesNo(minimum_wait) + ", send_zero_copy " + YesNo(send_zero_copy);
}

}  // namespace ringpost::reactor
