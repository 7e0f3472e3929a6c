// Preloaded into User Mode Linux 6.1 on processors with AMX, where it cannot set a traced process's
// extended registers: it knows 2,696 bytes of them at most, and the host takes all of its own (11,008
// with AMX) or nothing (arch/x86/kernel/fpu/regset.c). This fills up what is missing with what the
// process has. Tile registers are left in their initial state: nothing in the guest uses them.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

enum { kWholeMax = 64 * 1024, kHeaderAt = 512 };
static const uint64_t kTileBits = 3u << 17;  // XTILECFG and XTILEDATA in XSTATE_BV

static long (*next_ptrace)(int request, ...);

__attribute__((constructor)) static void Find(void) {
  next_ptrace = (long (*)(int, ...))dlsym(RTLD_NEXT, "ptrace");
}

static long SetAll(long pid, void* set, const struct iovec* part) {
  static char whole[kWholeMax];  // UML traces from one thread
  struct iovec all = {whole, sizeof whole};
  if (next_ptrace(PTRACE_GETREGSET, pid, set, &all) != 0) return -1;
  if (part->iov_len >= all.iov_len) {  // not what this is for: the failure stands
    errno = EFAULT;
    return -1;
  }
  memcpy(whole, part->iov_base, part->iov_len);
  uint64_t present;
  memcpy(&present, whole + kHeaderAt, sizeof present);
  present &= ~kTileBits;
  memcpy(whole + kHeaderAt, &present, sizeof present);
  return next_ptrace(PTRACE_SETREGSET, pid, set, &all);
}

long ptrace(enum __ptrace_request request, ...) {
  va_list arguments;
  va_start(arguments, request);
  long pid = va_arg(arguments, int);
  void* address = va_arg(arguments, void*);
  void* data = va_arg(arguments, void*);
  va_end(arguments);
  long result = next_ptrace(request, pid, address, data);
  if (result == -1 && errno == EFAULT && request == PTRACE_SETREGSET &&
      (uintptr_t)address == NT_X86_XSTATE) {
    return SetAll(pid, address, data);
  }
  return result;
}
