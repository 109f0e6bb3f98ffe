/* steady.c - Step a stream where the kernel ends the process at any system call, and
   count what is asked of the allocator.
   usage: steady TOKENS      (prints "steady"; SIGSYS where a step called the kernel)
   -DTHREADS=N: on a pool of N threads, which may wait by futex.
   -DCALL_ALLOCATOR, -DCALL_KERNEL: do what is forbidden, to see that it is noticed. */
#include "model.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* glibc's own names of what is replaced here. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static unsigned long allocations;

void *malloc(size_t size) { return ++allocations, __libc_malloc(size); }
void *calloc(size_t count, size_t size) {
  return ++allocations, __libc_calloc(count, size);
}
void *realloc(void *old, size_t size) { return ++allocations, __libc_realloc(old, size); }
void *aligned_alloc(size_t alignment, size_t size) {
  return ++allocations, __libc_memalign(alignment, size);
}
int posix_memalign(void **result, size_t alignment, size_t size) {
  ++allocations;
  return (*result = __libc_memalign(alignment, size)) ? 0 : -1;
}

#define ALLOW(call)                                                                      \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (call), 0, 1),                                     \
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

/* From here on only `write` and the end of the process are left, for the verdict; and
 * futex to threads. */
static void forbid_system_calls(void) {
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      ALLOW(SYS_write),
      ALLOW(SYS_exit_group),
#ifdef THREADS
      ALLOW(SYS_futex),
#endif
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
  };
  struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
  REQUIRE(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  REQUIRE(!syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC,
                   &program));
}

static void verdict(const char *text, int code) {
  ssize_t written = write(STDOUT_FILENO, text, strlen(text));
  _exit(written < 0 ? 1 : code);
}

int main(int argc, char **argv) {
  REQUIRE(argc == 2);
  struct tokens tokens = read_tokens(argv[1]);
  void *state = guarded(STATE_BYTES, K(ALIGNMENT));
  void *inputs[NUM_INPUTS], *outputs[NUM_OUTPUTS];
  guarded_ports(inputs, input_bytes, NUM_INPUTS);
  guarded_ports(outputs, output_bytes, NUM_OUTPUTS);
#ifdef THREADS
  struct weir_pool *pool = FN(pool_open)(THREADS, 0);
  REQUIRE(pool);
  FN(pool_use)(pool);
  /* Threads call the kernel as they begin: one step for which all of them are there. */
  REQUIRE(!FN(init)(state));
  fetch(&tokens, 0, inputs);
  REQUIRE(FN(step)(state, (const void *const *)inputs, outputs) >= 0);
#endif
  forbid_system_calls();
  allocations = 0;
  if (FN(init)(state))
    verdict("no state\n", 1);
  int ready = 0;
  for (size_t step = 0; step < tokens.count; ++step) {
    fetch(&tokens, step, inputs);
    ready = FN(step)(state, (const void *const *)inputs, outputs);
  }
#ifdef CALL_ALLOCATOR
  free(malloc(1));
#endif
#ifdef CALL_KERNEL
  (void)getppid();
#endif
  if (ready != K(READY))
    verdict("no output\n", 1);
  if (allocations)
    verdict("a step allocates\n", 1);
  verdict("steady\n", 0);
}
