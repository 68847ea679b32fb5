/* A disk that fails on demand: preloaded into a process and its children, it counts what they do to files below
 * $TORTURE_ROOT, and at event number $TORTURE_AT it kills, or has the call fail.
 *
 * Events are opens (for writing, or "read"), writes, syncs, renames, new and removed names, of Python and of Caffe's
 * C++ alike; standard output and error are left out. $TORTURE_COUNTER is a file of eight bytes that all processes count
 * in, $TORTURE_LOG gets a line an event. $TORTURE_ACTION is "kill" (before the call), "torn" (half of a write first),
 * or an errno; $TORTURE_STAYS=1 fails everything from then on. $TORTURE_DRIVER is a pid that dies too.
 * $TORTURE_CLOCK=backwards has the wall clock run backwards; a number sets it by so many seconds.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

/* Removes "." and ".." and doubled slashes from an absolute path, in place. */
static void normalise(char *path) {
  char out[PATH_MAX] = "", *rest = NULL;
  for (char *part = strtok_r(path, "/", &rest); part; part = strtok_r(NULL, "/", &rest)) {
    if (!strcmp(part, ".")) continue;
    if (!strcmp(part, "..")) {
      char *last = strrchr(out, '/');
      if (last) *last = 0;
    } else {
      strcat(strcat(out, "/"), part);
    }
  }
  strcpy(path, out);
}

static int path_of_descriptor(int descriptor, char *path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return 1;
}

static int absolute(int folder, const char *name, char *path) {
  if (!name || strlen(name) >= PATH_MAX / 2) return 0;
  if (name[0] == '/') {
    strcpy(path, name);
  } else {
    if (folder == AT_FDCWD ? !getcwd(path, PATH_MAX / 2) : !path_of_descriptor(folder, path)) return 0;
    if (strlen(path) >= PATH_MAX / 2) return 0;
    strcat(strcat(path, "/"), name);
  }
  normalise(path);
  return 1;
}

static long counted(void) {
  static long *counter;
  const char *file = getenv("TORTURE_COUNTER");
  if (!file) return 0;
  if (!counter) {
    int descriptor = syscall(SYS_openat, AT_FDCWD, file, O_RDWR | O_CLOEXEC);
    if (descriptor < 0) return 0;
    void *map = mmap(NULL, sizeof(long), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    syscall(SYS_close, descriptor);
    if (map == MAP_FAILED) return 0;
    counter = map;
  }
  return __atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
}

/* Where a rename takes its file, for the log. */
static __thread char target[PATH_MAX];

static void note(long number, const char *what, const char *path) {
  const char *log = getenv("TORTURE_LOG");
  if (!log) return;
  char line[2 * PATH_MAX + 128];
  int length = snprintf(line, sizeof line, "%ld\t%d\t%s\t%s\t%s\n", number, (int)getpid(), what, path, target);
  int descriptor = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor < 0) return;
  syscall(SYS_write, descriptor, line, length);
  syscall(SYS_close, descriptor);
}

static void die(void) {
  const char *driver = getenv("TORTURE_DRIVER");
  if (driver && atoi(driver) > 1) kill(atoi(driver), SIGKILL);
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

enum { GO = 0, TEAR = -1 };

/* What is to become of this call: GO, TEAR, or the errno that it fails with. */
static int verdict(const char *what, const char *path) {
  const char *root = getenv("TORTURE_ROOT");
  if (!root || strncmp(path, root, strlen(root))) return GO;
  if (!strcmp(what, "read") && !getenv("TORTURE_READS")) return GO;
  int before = errno;
  long number = counted();
  note(number, what, path);
  errno = before;
  const char *at = getenv("TORTURE_AT"), *action = getenv("TORTURE_ACTION");
  if (!at || !action) return GO;
  int stays = getenv("TORTURE_STAYS") != NULL;
  if (number != atol(at) && !(stays && number > atol(at))) return GO;
  if (!strcmp(action, "kill")) die();
  if (!strcmp(action, "torn")) {
    if (!strcmp(what, "write")) return TEAR;
    die();
  }
  return atoi(action);
}

static int of_name(const char *what, int folder, const char *name) {
  char path[PATH_MAX];
  int before = errno, result = absolute(folder, name, path) ? verdict(what, path) : GO;
  errno = before;
  return result;
}

static int of_descriptor(const char *what, int descriptor) {
  char path[PATH_MAX];
  int before = errno;
  int result = descriptor > 2 && path_of_descriptor(descriptor, path) ? verdict(what, path) : GO;
  errno = before;
  return result;
}

static int of_rename(int folder, const char *from, int other, const char *to) {
  if (!absolute(other, to, target)) target[0] = 0;
  int result = of_name("rename", folder, from);
  target[0] = 0;
  return result;
}

#define REFUSED(result, verdict_, failure) \
  int result = (verdict_);                 \
  if (result > 0) {                        \
    errno = result;                        \
    return failure;                        \
  }

static const char *kind_of_open(int flags) { return flags & (O_WRONLY | O_RDWR | O_CREAT) ? "open" : "read"; }

#define OPEN(name)                                                       \
  int name(const char *path, int flags, ...) {                           \
    va_list rest;                                                        \
    va_start(rest, flags);                                               \
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
    va_end(rest);                                                        \
    REFUSED(error, of_name(kind_of_open(flags), AT_FDCWD, path), -1)     \
    return REAL(name)(path, flags, mode);                                \
  }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                     \
  int name(int folder, const char *path, int flags, ...) {               \
    va_list rest;                                                        \
    va_start(rest, flags);                                               \
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
    va_end(rest);                                                        \
    REFUSED(error, of_name(kind_of_open(flags), folder, path), -1)       \
    return REAL(name)(folder, path, flags, mode);                        \
  }
OPENAT(openat)
OPENAT(openat64)

#define FOPEN(name)                                                                \
  FILE *name(const char *path, const char *mode) {                                 \
    const char *what = strpbrk(mode, "wa+") ? "open" : "read";                     \
    REFUSED(error, of_name(what, AT_FDCWD, path), NULL)                            \
    return REAL(name)(path, mode);                                                 \
  }
FOPEN(fopen)
FOPEN(fopen64)

ssize_t write(int descriptor, const void *bytes, size_t count) {
  REFUSED(error, of_descriptor("write", descriptor), -1)
  if (error == TEAR) {
    REAL(write)(descriptor, bytes, count / 2);
    die();
  }
  return REAL(write)(descriptor, bytes, count);
}

ssize_t writev(int descriptor, const struct iovec *parts, int count) {
  REFUSED(error, of_descriptor("write", descriptor), -1)
  if (error == TEAR) {
    REAL(writev)(descriptor, parts, count / 2);
    die();
  }
  return REAL(writev)(descriptor, parts, count);
}

int fsync(int descriptor) {
  REFUSED(error, of_descriptor("sync", descriptor), -1)
  return REAL(fsync)(descriptor);
}

int fdatasync(int descriptor) {
  REFUSED(error, of_descriptor("sync", descriptor), -1)
  return REAL(fdatasync)(descriptor);
}

int rename(const char *from, const char *to) {
  REFUSED(error, of_rename(AT_FDCWD, from, AT_FDCWD, to), -1)
  return REAL(rename)(from, to);
}

int renameat(int folder, const char *from, int other, const char *to) {
  REFUSED(error, of_rename(folder, from, other, to), -1)
  return REAL(renameat)(folder, from, other, to);
}

int mkdir(const char *path, mode_t mode) {
  REFUSED(error, of_name("mkdir", AT_FDCWD, path), -1)
  return REAL(mkdir)(path, mode);
}

int unlink(const char *path) {
  REFUSED(error, of_name("unlink", AT_FDCWD, path), -1)
  return REAL(unlink)(path);
}

int unlinkat(int folder, const char *path, int flags) {
  REFUSED(error, of_name(flags & AT_REMOVEDIR ? "rmdir" : "unlink", folder, path), -1)
  return REAL(unlinkat)(folder, path, flags);
}

int rmdir(const char *path) {
  REFUSED(error, of_name("rmdir", AT_FDCWD, path), -1)
  return REAL(rmdir)(path);
}

static void turned(struct timespec *now) {
  static time_t first;
  const char *clock = getenv("TORTURE_CLOCK");
  if (!clock) return;
  if (!first) first = now->tv_sec;
  now->tv_sec = strcmp(clock, "backwards") ? now->tv_sec + atol(clock) : 2 * first - now->tv_sec;
}

int clock_gettime(clockid_t which, struct timespec *now) {
  int result = REAL(clock_gettime)(which, now);
  if (!result && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) turned(now);
  return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  int result = REAL(gettimeofday)(now, zone);
  struct timespec fine = {now->tv_sec, 0};
  turned(&fine);
  now->tv_sec = fine.tv_sec;
  return result;
}

time_t time(time_t *result) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (result) *result = now.tv_sec;
  return now.tv_sec;
}
