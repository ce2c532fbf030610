/* A disk that fails at a chosen moment, for programs started with LD_PRELOAD=libfailing_disk.so:
 *
 *   DAYLIGHT_FAULT_UNDER   folder whose files are on this disk (absolute)
 *   DAYLIGHT_FAULT_RECORD  file of 4096 octets: the number of operations as 8 octets, then what failed, as text
 *   DAYLIGHT_FAULT_AT      which operation fails: 1 is the first; 0 or absent: none, they are only counted
 *   DAYLIGHT_FAULT_KIND    enospc  this operation and all after it that need room fail: the disk is full
 *                          eio     this operation alone fails
 *                          short   half of a write is done, then the disk is full
 *                          sync    this fsync or fdatasync fails, and what it was asked to keep is lost, as Linux drops
 *                                  pages that could not be written; other operations are not counted
 *                          lost    the power fails: what was not synced is gone, at random per write, and the process ends
 *   DAYLIGHT_FAULT_SEED    for the choice of `lost`
 *
 * An operation is a write, ftruncate, fsync, fdatasync or rename. For `sync` and `lost` the content before each write that is
 * not synced is remembered and put back; likewise files made or renamed in a folder that was not synced since. Memory that is
 * mapped (SQLite's -shm, which it makes anew) is not watched. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { none, enospc, eio, short_write, sync_fails, lost };
enum operation { op_write, op_truncate, op_sync, op_rename };
static const char *const operation_names[] = {"write", "ftruncate", "fsync", "rename"};

struct undo {              /* one change that is not synced, newest first */
    struct undo *older;
    char *path;
    enum { wrote, resized, made, renamed } what;
    off_t offset, size;    /* of the write; the file's size before */
    size_t length;
    uint8_t *before;       /* what stood there; for `renamed`: the whole file that was replaced, null where there was none */
};

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_rename)(const char *, const char *);
static int (*real_open)(const char *, int, ...);
static int (*real_openat)(int, const char *, int, ...);

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char under[PATH_MAX];
static enum kind kind;
static uint64_t fails_at;
static unsigned seed;
static int full;
static char *record;
static struct undo *newest;

/* Other libraries' constructors may come first: everything that is called asks for it. */
__attribute__((constructor)) static void start(void)
{
    if (real_openat) return;
    real_write = (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    real_pwrite = (ssize_t(*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite64");
    real_ftruncate = (int (*)(int, off_t))dlsym(RTLD_NEXT, "ftruncate64");
    real_fsync = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    real_rename = (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename");
    real_open = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open64");
    real_openat = (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, "openat64");
    const char *folder = getenv("DAYLIGHT_FAULT_UNDER"), *file = getenv("DAYLIGHT_FAULT_RECORD");
    if (!folder || !file || strlen(folder) >= sizeof under) return;
    strcpy(under, folder);
    const char *at = getenv("DAYLIGHT_FAULT_AT"), *name = getenv("DAYLIGHT_FAULT_KIND"), *chance = getenv("DAYLIGHT_FAULT_SEED");
    fails_at = at ? strtoull(at, NULL, 10) : 0;
    seed = chance ? (unsigned)strtoul(chance, NULL, 10) : 1;
    static const char *const names[] = {"none", "enospc", "eio", "short", "sync", "lost"};
    for (int i = 0; name && i < 6; ++i)
        if (strcmp(name, names[i]) == 0) kind = (enum kind)i;
    const int fd = real_open(file, O_RDWR | O_CLOEXEC);
    void *mapped = fd < 0 ? MAP_FAILED : mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    record = mapped == MAP_FAILED ? NULL : mapped;
}

static int is_under(const char *path)
{
    const size_t length = strlen(under);
    return record && length > 0 && strncmp(path, under, length) == 0 && (path[length] == '/' || path[length] == 0);
}

/* The path of a descriptor on this disk; false where it is elsewhere. */
static int watched(int fd, char *path)
{
    if (!record) return 0;
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return is_under(path);
}

static int keeps_undo(void) { return kind == sync_fails || kind == lost; }

static struct undo *remember(const char *path)
{
    struct undo *one = calloc(1, sizeof *one);
    one->path = strdup(path);
    one->older = newest;
    newest = one;
    return one;
}

static void release(struct undo *one)
{
    free(one->path);
    free(one->before);
    free(one);
}

/* A descriptor of the file for reading and writing. One each, which stays open: closing any would give up the locks that
 * SQLite holds on the file. */
static int second_descriptor(const char *path)
{
    static struct { dev_t device; ino_t inode; int fd; } known[256];
    static int count;
    struct stat status;
    if (stat(path, &status) != 0) return -1;
    for (int i = 0; i < count; ++i)
        if (known[i].device == status.st_dev && known[i].inode == status.st_ino) return known[i].fd;
    const int fd = count < 256 ? real_open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0) return -1;
    known[count].device = status.st_dev;
    known[count].inode = status.st_ino;
    known[count++].fd = fd;
    return fd;
}

static void remember_range(int fd, const char *path, off_t offset, size_t length)
{
    struct stat status;
    if (!keeps_undo() || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return;
    struct undo *one = remember(path);
    one->what = wrote;
    one->size = status.st_size;
    one->offset = offset;
    one->length = offset >= status.st_size ? 0 : (size_t)(status.st_size - offset) < length ? (size_t)(status.st_size - offset) : length;
    one->before = malloc(one->length + 1);
    const int reader = second_descriptor(path);
    if (reader < 0 || pread(reader, one->before, one->length, offset) != (ssize_t)one->length) one->length = 0;
}

/* What was changed in this file, or in names of this folder, is on the disk. */
static void forget(const char *path)
{
    for (struct undo **at = &newest; *at;) {
        struct undo *one = *at;
        const char *slash = strrchr(one->path, '/');
        const int of_folder = (one->what == made || one->what == renamed) && strncmp(one->path, path, (size_t)(slash - one->path)) == 0 &&
                              path[slash - one->path] == 0;
        const int of_file = (one->what == wrote || one->what == resized) && strcmp(one->path, path) == 0;
        if (of_folder || of_file) {
            *at = one->older;
            release(one);
        } else {
            at = &one->older;
        }
    }
}

static void put_back(const struct undo *one)
{
    if (one->what == made || (one->what == renamed && !one->before)) {
        unlink(one->path);
        return;
    }
    const int fd = second_descriptor(one->path);
    if (fd < 0 || (one->what == renamed && real_ftruncate(fd, 0) != 0)) return;
    if (one->length > 0 && real_pwrite(fd, one->before, one->length, one->offset) < 0) perror("failing disk");
    if (one->what != renamed && real_ftruncate(fd, one->size) != 0) perror("failing disk");
}

/* Takes back what is not synced, newest first: the content of one file, or all there is with a choice by chance. */
static void lose(const char *path)
{
    for (struct undo **at = &newest; *at;) {
        struct undo *one = *at;
        const int content = one->what == wrote || one->what == resized;
        const int mine = path ? content && strcmp(one->path, path) == 0 : (one->what == wrote ? rand_r(&seed) % 2 : 1);
        if (path && !mine) {
            at = &one->older;
            continue;
        }
        if (mine) put_back(one);
        *at = one->older;
        release(one);
    }
}

/* Counts an operation; returns the errno it is to fail with, 0 where it is to be done. */
static int strike(enum operation operation, const char *path)
{
    if (kind == sync_fails && operation != op_sync) return 0;
    uint64_t *count = (uint64_t *)(void *)record;
    ++*count;
    const int hit = fails_at != 0 && *count == fails_at;
    if (hit) snprintf(record + 8, 4000, "%s %s", operation_names[operation], path);
    switch (kind) {
        case enospc:
        case short_write:
            full |= hit;
            return full && operation != op_sync && operation != op_rename ? ENOSPC : 0;
        case eio: return hit ? EIO : 0;
        case sync_fails:
            if (hit) lose(path);
            return hit ? EIO : 0;
        case lost:
            if (hit) {
                lose(NULL);
                _exit(137);
            }
            return 0;
        default: return 0;
    }
}

static ssize_t write_at(int fd, const void *data, size_t size, off_t offset, int positioned)
{
    start();
    char path[PATH_MAX];
    if (!watched(fd, path)) return positioned ? real_pwrite(fd, data, size, offset) : real_write(fd, data, size);
    pthread_mutex_lock(&mutex);
    const int was_full = full;
    const int code = strike(op_write, path);
    ssize_t done = -1;
    if (code != 0 && kind == short_write && !was_full && size > 1) {
        size /= 2;
        done = positioned ? real_pwrite(fd, data, size, offset) : real_write(fd, data, size);
    } else if (code != 0) {
        errno = code;
    } else {
        const int flags = fcntl(fd, F_GETFL);
        const off_t at = positioned ? offset : flags & O_APPEND ? lseek(fd, 0, SEEK_END) : lseek(fd, 0, SEEK_CUR);
        remember_range(fd, path, at, size);
        done = positioned ? real_pwrite(fd, data, size, offset) : real_write(fd, data, size);
    }
    pthread_mutex_unlock(&mutex);
    return done;
}

ssize_t write(int fd, const void *data, size_t size) { return write_at(fd, data, size, 0, 0); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) { return write_at(fd, data, size, offset, 1); }
ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset) { return write_at(fd, data, size, offset, 1); }

int ftruncate(int fd, off_t size)
{
    start();
    char path[PATH_MAX];
    if (!watched(fd, path)) return real_ftruncate(fd, size);
    pthread_mutex_lock(&mutex);
    const int code = strike(op_truncate, path);
    struct stat status;
    if (code == 0 && keeps_undo() && fstat(fd, &status) == 0) {
        if (size < status.st_size) remember_range(fd, path, size, (size_t)(status.st_size - size));
        struct undo *one = remember(path);
        one->what = resized;
        one->size = status.st_size;
    }
    const int done = code == 0 ? real_ftruncate(fd, size) : -1;
    if (code != 0) errno = code;
    pthread_mutex_unlock(&mutex);
    return done;
}
int ftruncate64(int fd, off_t size) { return ftruncate(fd, size); }

static int sync_with(int (**real)(int), int fd)
{
    start();
    char path[PATH_MAX];
    if (!watched(fd, path)) return (*real)(fd);
    pthread_mutex_lock(&mutex);
    const int code = strike(op_sync, path);
    if (code == 0) forget(path);
    const int done = code == 0 ? (*real)(fd) : -1;
    if (code != 0) errno = code;
    pthread_mutex_unlock(&mutex);
    return done;
}
int fsync(int fd) { return sync_with(&real_fsync, fd); }
int fdatasync(int fd) { return sync_with(&real_fdatasync, fd); }

int rename(const char *from, const char *to)
{
    start();
    if (!is_under(to)) return real_rename(from, to);
    pthread_mutex_lock(&mutex);
    const int code = strike(op_rename, to);
    if (code == 0 && keeps_undo()) {
        struct undo *one = remember(to);
        one->what = renamed;
        struct stat status;
        const int old = real_open(to, O_RDONLY | O_CLOEXEC);
        if (old >= 0 && fstat(old, &status) == 0) {
            one->before = malloc((size_t)status.st_size + 1);
            one->length = (size_t)status.st_size;
            if (pread(old, one->before, one->length, 0) != status.st_size) one->length = 0;
        }
        if (old >= 0) close(old);
    }
    const int done = code == 0 ? real_rename(from, to) : -1;
    if (code != 0) errno = code;
    pthread_mutex_unlock(&mutex);
    return done;
}

static int open_in(int folder, const char *path, int flags, mode_t mode)
{
    start();
    const int makes = (flags & O_CREAT) && record && keeps_undo() && path[0] == '/' && is_under(path);
    if (!makes) return real_openat(folder, path, flags, mode);
    pthread_mutex_lock(&mutex);
    const int there = access(path, F_OK) == 0;
    const int fd = real_openat(folder, path, flags, mode);
    const int error = errno;
    if (fd >= 0 && !there) remember(path)->what = made;
    errno = error;
    pthread_mutex_unlock(&mutex);
    return fd;
}

static mode_t mode_of(int flags, va_list rest) { return flags & (O_CREAT | O_TMPFILE) ? (mode_t)va_arg(rest, int) : 0; }

#define OPEN(name)                                         \
    int name(const char *path, int flags, ...)             \
    {                                                      \
        va_list rest;                                      \
        va_start(rest, flags);                             \
        const mode_t mode = mode_of(flags, rest);          \
        va_end(rest);                                      \
        return open_in(AT_FDCWD, path, flags, mode);       \
    }
#define OPENAT(name)                                       \
    int name(int folder, const char *path, int flags, ...) \
    {                                                      \
        va_list rest;                                      \
        va_start(rest, flags);                             \
        const mode_t mode = mode_of(flags, rest);          \
        va_end(rest);                                      \
        return open_in(folder, path, flags, mode);         \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
