// Counts the instructions of a guest of tcg-run: a plugin of QEMU's emulator, which loads it beside
// its own code, and, built with -DTCG_MARK, the little library by which the guest says "now".
//
// Each mark is a line of JSON with the sums since the start:
//
//   owners  by process, which is named by the upper 36 bits of the address of its code: where
//           addresses are random each has its own, or a few (/proc/PID/maps says which). The
//           kernel's work is that of the thread in whose time it is done, interrupts included;
//           "kernel" is that of its own threads, and idling.
//   pages   by the page (4 KiB) of the code: the kernel's modules, a process's libraries
//
// An instruction that repeats (rep movs, rep stos) is not among the others: `moved` and `set` are
// the bytes that these two went over, and a bulk copy is little else on processors that say "erms".
// AES instructions (one round of one block, or of more by vectors) are counted among
// the others and also apart.
//
// Source: QEMU's "TCG Plugins" manual, and its qemu-plugin.h, which Debian does not package; what
// is used of it is declared here. One processor only: nothing is locked.
#ifdef TCG_MARK

// A no-op that nobody else has: nopl with a displacement of "mark".
void tcg_mark(void) { __asm__ volatile(".byte 0x0f, 0x1f, 0x80; .ascii \"mark\"" : : : "memory"); }

#else

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
typedef struct qemu_info_t qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef void (*TranslateCallback)(qemu_plugin_id_t id, struct qemu_plugin_tb* tb);
typedef void (*ExecuteCallback)(unsigned int cpu, void* data);
typedef void (*MemoryCallback)(unsigned int cpu, uint32_t info, uint64_t address, void* data);
enum { kNoRegisters = 0, kReadsAndWrites = 3 };
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, TranslateCallback callback);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb* tb, ExecuteCallback callback,
                                          int flags, void* data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn* insn, ExecuteCallback callback,
                                            int flags, void* data);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn* insn, MemoryCallback callback,
                                      int flags, int what, void* data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb* tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb* tb);
struct qemu_plugin_insn* qemu_plugin_tb_get_insn(const struct qemu_plugin_tb* tb, size_t index);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn* insn);

#if QEMU_VERSION < 9
__attribute__((visibility("default"))) int qemu_plugin_version = 1;
const void* qemu_plugin_insn_data(const struct qemu_plugin_insn* insn);
static size_t Bytes(const struct qemu_plugin_insn* insn, unsigned char* out, size_t bytes_max) {
  size_t size = qemu_plugin_insn_size(insn);
  if (size > bytes_max) size = bytes_max;
  memcpy(out, qemu_plugin_insn_data(insn), size);
  return size;
}
#else
__attribute__((visibility("default"))) int qemu_plugin_version = 3;
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn* insn, void* out, size_t bytes);
static size_t Bytes(const struct qemu_plugin_insn* insn, unsigned char* out, size_t bytes_max) {
  return qemu_plugin_insn_data(insn, out, bytes_max);
}
#endif

enum { kUser, kKernel, kModes };
enum { kOwners = 4096, kTasks = 4096, kPages = 1 << 18, kInstructionBytesMax = 15 };

typedef struct {
  uint64_t tag;
  uint64_t instructions[kModes], moved[kModes], set[kModes], aes[kModes];
} Owner;
// A thread, by the place of its stack pointer in the kernel's memory; and whose code it ran last.
typedef struct {
  uint64_t place;
  Owner* owner;
} Task;
typedef struct {
  uint64_t number;
  uint64_t instructions;
} Page;
// What one execution of a translated block adds.
typedef struct {
  Owner* owner;  // none: the kernel's
  Page* page;
  uint32_t instructions, aes;
} Block;

// Hash tables; tag, place and number 0 are those of empty places.
static Owner owners[kOwners];
static Task tasks[kTasks];
static Page pages[kPages];
static Owner kernel_threads;
static Task first_task = {0, &kernel_threads};
static Task* task = &first_task;
static FILE* output;

static void Full(const char* what) {
  fprintf(stderr, "tcg_count: too many %s\n", what);
  exit(1);
}

static Owner* FindOwner(uint64_t tag) {
  for (size_t i = 0, at = tag * 0x9E3779B97F4A7C15 >> 52; i < kOwners;
       ++i, at = (at + 1) % kOwners) {
    if (owners[at].tag == 0) owners[at].tag = tag + 1;
    if (owners[at].tag == tag + 1) return &owners[at];
  }
  Full("processes");
  return NULL;
}

static Task* FindTask(uint64_t place) {
  for (size_t i = 0, at = place * 0x9E3779B97F4A7C15 >> 52; i < kTasks;
       ++i, at = (at + 1) % kTasks) {
    if (tasks[at].place == 0) tasks[at] = (Task){place, &kernel_threads};
    if (tasks[at].place == place) return &tasks[at];
  }
  Full("threads");
  return NULL;
}

static Page* FindPage(uint64_t address) {
  uint64_t number = address >> 12;
  for (size_t i = 0, at = number * 0x9E3779B97F4A7C15 >> 46; i < kPages;
       ++i, at = (at + 1) % kPages) {
    if (pages[at].number == 0) pages[at].number = number + 1;
    if (pages[at].number == number + 1) return &pages[at];
  }
  Full("pages of code");
  return NULL;
}

static void ExecuteBlock(unsigned int cpu, void* data) {
  const Block* block = data;
  (void)cpu;
  if (block->owner) task->owner = block->owner;
  int mode = block->owner ? kUser : kKernel;
  task->owner->instructions[mode] += block->instructions;
  task->owner->aes[mode] += block->aes;
  block->page->instructions += block->instructions;
}

// `data` is twice the number of bytes of a turn, and one more where it is the kernel's.
static void ExecuteMove(unsigned int cpu, void* data) {
  (void)cpu;
  task->owner->moved[(uintptr_t)data & 1] += (uintptr_t)data >> 1;
}

static void ExecuteSet(unsigned int cpu, void* data) {
  (void)cpu;
  task->owner->set[(uintptr_t)data & 1] += (uintptr_t)data >> 1;
}

// The kernel reads the stack pointer of the thread that is to run now.
static void Switch(unsigned int cpu, uint32_t info, uint64_t address, void* data) {
  (void)cpu, (void)info, (void)data;
  task = FindTask(address);
}

static void PrintOwner(const char* comma, const char* name, const Owner* o) {
  fprintf(output, "%s\"%s\": {", comma, name);
  for (int mode = kUser; mode < kModes; ++mode) {
    const char* whose = mode == kUser ? "user" : "kernel";
    fprintf(output,
            "%s\"%s\": %" PRIu64 ", \"%s_moved\": %" PRIu64 ", \"%s_set\": %" PRIu64
            ", \"%s_aes\": %" PRIu64,
            mode == kUser ? "" : ", ", whose, o->instructions[mode], whose, o->moved[mode], whose,
            o->set[mode], whose, o->aes[mode]);
  }
  fprintf(output, "}");
}

static void Mark(unsigned int cpu, void* data) {
  static unsigned marks;
  (void)cpu, (void)data;
  fprintf(output, "{\"mark\": %u, \"owners\": {", marks++);
  PrintOwner("", "kernel", &kernel_threads);
  for (size_t i = 0; i < kOwners; ++i) {
    char name[17];
    if (owners[i].tag == 0) continue;
    snprintf(name, sizeof name, "%" PRIx64, owners[i].tag - 1);
    PrintOwner(", ", name, &owners[i]);
  }
  fprintf(output, "}, \"pages\": {");
  const char* comma = "";
  for (size_t i = 0; i < kPages; ++i) {
    if (pages[i].number == 0 || pages[i].instructions == 0) continue;
    fprintf(output, "%s\"%" PRIx64 "\": %" PRIu64, comma, (pages[i].number - 1) << 12,
            pages[i].instructions);
    comma = ", ";
  }
  fprintf(output, "}}\n");
  fflush(output);
}

// Bytes of a turn of rep movs or rep stos, and which of the two; 0 for every other instruction.
static unsigned RepBytes(const unsigned char* bytes, size_t size, bool* moves) {
  bool rep = false, wide = false, narrow = false;
  size_t i = 0;
  for (; i < size; ++i) {
    if (bytes[i] == 0xf3 || bytes[i] == 0xf2)
      rep = true;
    else if (bytes[i] == 0x66)
      narrow = true;
    else if ((bytes[i] & 0xf0) == 0x40)
      wide = (bytes[i] & 8) != 0;
    else
      break;
  }
  if (!rep || i >= size) return 0;
  *moves = bytes[i] == 0xa4 || bytes[i] == 0xa5;
  if (bytes[i] == 0xa4 || bytes[i] == 0xaa) return 1;
  if (bytes[i] == 0xa5 || bytes[i] == 0xab) return wide ? 8 : narrow ? 2 : 4;
  return 0;
}

// aesenc, aesenclast, aesdec, aesdeclast: opcodes dc to df of the map 0f 38 with the prefix 66, or
// by VEX.
static bool IsAes(const unsigned char* bytes, size_t size) {
  if (size >= 5 && bytes[0] == 0xc4)
    return (bytes[1] & 0x1f) == 2 && bytes[3] >= 0xdc && bytes[3] <= 0xdf;
  if (size < 5 || bytes[0] != 0x66) return false;
  size_t i = (bytes[1] & 0xf0) == 0x40 ? 2 : 1;
  return bytes[i] == 0x0f && bytes[i + 1] == 0x38 && bytes[i + 2] >= 0xdc && bytes[i + 2] <= 0xdf;
}

// The two instructions of __switch_to_asm: mov %rsp, ?(%rdi); mov ?(%rsi), %rsp.
static bool IsSwitch(const unsigned char* before, const unsigned char* bytes) {
  return memcmp(before, "\x48\x89\xa7", 3) == 0 && memcmp(bytes, "\x48\x8b\xa6", 3) == 0;
}

static void Translate(qemu_plugin_id_t id, struct qemu_plugin_tb* tb) {
  static const unsigned char kMark[] = {0x0f, 0x1f, 0x80, 'm', 'a', 'r', 'k'};
  (void)id;
  uint64_t address = qemu_plugin_tb_vaddr(tb);
  uintptr_t kernel = address >> 63;
  Block* block =
      calloc(1, sizeof *block);  // as long as the emulator: it may run the block whenever it likes
  if (!block) Full("blocks of code");
  block->owner = kernel ? NULL : FindOwner(address >> 28);
  block->page = FindPage(address);
  unsigned char before[kInstructionBytesMax], bytes[kInstructionBytesMax] = {0};
  for (size_t i = 0, count = qemu_plugin_tb_n_insns(tb); i < count; ++i) {
    struct qemu_plugin_insn* insn = qemu_plugin_tb_get_insn(tb, i);
    memcpy(before, bytes, sizeof before);
    size_t size = Bytes(insn, bytes, sizeof bytes);
    if (kernel &&
        IsSwitch(before,
                 bytes)) {  // it only reads; but QEMU 7 tells nothing to who asks for that alone
      qemu_plugin_register_vcpu_mem_cb(insn, Switch, kNoRegisters, kReadsAndWrites, NULL);
    }
    bool moves = false;
    uintptr_t rep_bytes = RepBytes(bytes, size, &moves);
    if (rep_bytes > 0) {
      qemu_plugin_register_vcpu_insn_exec_cb(insn, moves ? ExecuteMove : ExecuteSet, kNoRegisters,
                                             (void*)(rep_bytes << 1 | kernel));
      continue;
    }
    ++block->instructions;
    block->aes += IsAes(bytes, size);
    if (size == sizeof kMark && memcmp(bytes, kMark, size) == 0)
      qemu_plugin_register_vcpu_insn_exec_cb(insn, Mark, kNoRegisters, NULL);
  }
  qemu_plugin_register_vcpu_tb_exec_cb(tb, ExecuteBlock, kNoRegisters, block);
}

__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id,
                                                               const qemu_info_t* info, int count,
                                                               char** arguments) {
  (void)info;
  for (int i = 0; i < count; ++i)
    if (strncmp(arguments[i], "counts=", 7) == 0) output = fopen(arguments[i] + 7, "w");
  if (!output) {
    fprintf(stderr, "tcg_count: counts=PATH, to be written to, is missing\n");
    return 1;
  }
  qemu_plugin_register_vcpu_tb_trans_cb(id, Translate);
  return 0;
}

#endif
