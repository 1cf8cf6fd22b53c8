// Notes how long each file was when it was last brought to the disk: `inode length` by line.
//
// Loaded before libc by a test, which cuts the files to these lengths as a power cut might.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int notes = -1;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("SYNCED_NOTES");
    if (path) notes = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

// What was written before the call is on the disk when it has returned; what comes meanwhile may
// not be.
static int sync_and_note(int file, const char *name) {
    struct stat before;
    int known = fstat(file, &before);
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    int result = real(file);
    if (result == 0 && known == 0 && notes >= 0) {
        char line[64];
        int length = snprintf(line, sizeof line, "%lu %lld\n", (unsigned long)before.st_ino,
                              (long long)before.st_size);
        if (write(notes, line, (size_t)length) != length) abort();
    }
    return result;
}

int fsync(int file) { return sync_and_note(file, "fsync"); }
int fdatasync(int file) { return sync_and_note(file, "fdatasync"); }
