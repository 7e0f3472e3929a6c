// libno_sync.so: in LD_PRELOAD, every sync of a file succeeds at once and does nothing. A ringpostd
// that runs over it acknowledges what is only in the page cache, and the tests that cut the power
// must find it out: it is what their silence about the real one is worth.
//
// It covers what RocksDB and our own code call; nothing here opens files with O_SYNC or syncs by
// io_uring.
#include <fcntl.h>
#include <unistd.h>

extern "C" {

int fsync(int) { return 0; }
int fdatasync(int) { return 0; }
int sync_file_range(int, off64_t, off64_t, unsigned int) { return 0; }
int syncfs(int) noexcept { return 0; }
void sync() noexcept {}

}  // extern "C"
