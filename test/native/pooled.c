/* pooled.c - Calls on pools of any size equal calls on one thread, bit for bit, and make
   no system call but futex. Linked with -Wl,--wrap=syscall, which is how the pool makes
   it. usage: pooled TOKENS STEPS */
#include "model.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static struct tokens tokens;
static int steps;
static _Thread_local int calls;
static int
    delays; /* sleep at random around each call: who is early waits for who is late */

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...) {
  static _Thread_local unsigned long long seed = 1;
  long values[6];
  va_list arguments;
  va_start(arguments, number);
  for (int i = 0; i < 6; ++i)
    values[i] = va_arg(arguments, long);
  va_end(arguments);
  REQUIRE(number == SYS_futex);
  seed += (uintptr_t)&seed;
  if (delays)
    usleep(next_random(&seed) % 50);
  ++calls;
  long result = __real_syscall(number, values[0], values[1], values[2], values[3],
                               values[4], values[5]);
  if (delays)
    usleep(next_random(&seed) % 50);
  return result;
}

static void add(unsigned long long *hash, const void *bytes, size_t size) {
  for (size_t i = 0; i < size; ++i)
    *hash = (*hash ^ ((const unsigned char *)bytes)[i]) * 1099511628211ull;
}

struct ports {
  void *inputs[NUM_INPUTS], *outputs[NUM_OUTPUTS], *window[NUM_INPUTS];
};

static void add_outputs(unsigned long long *hash, int code, const struct ports *ports) {
  REQUIRE(code >= 0);
  for (int i = 0; code == K(READY) && i < NUM_OUTPUTS; ++i)
    add(hash, ports->outputs[i], output_bytes[i]);
}

/* The hash of all that a stream gives, and of its last state: primed, then stepped, or
   pushed and predicted every third time. */
static unsigned long long stream(struct weir_pool *pool, int count) {
  unsigned long long hash = 14695981039346656037ull;
  struct ports ports;
  void *state = guarded(STATE_BYTES, K(ALIGNMENT));
  guarded_ports(ports.inputs, input_bytes, NUM_INPUTS);
  guarded_ports(ports.outputs, output_bytes, NUM_OUTPUTS);
  for (int i = 0; i < NUM_INPUTS; ++i) {
    size_t size = input_bytes[i] / K(CHUNK) * K(WINDOW);
    ports.window[i] = guarded(size, 8);
    for (size_t at = 0; at < size; at += input_bytes[i]) {
      fetch(&tokens, at / input_bytes[i], ports.inputs);
      size_t room = size - at < input_bytes[i] ? size - at : input_bytes[i];
      memcpy((char *)ports.window[i] + at, ports.inputs[i], room);
    }
  }
  FN(pool_use)(pool);
  int code = FN(prime)(state, (const void *const *)ports.window, ports.outputs);
  add_outputs(&hash, code, &ports);
  for (int step = 0; step < count; ++step) {
    fetch(&tokens, step, ports.inputs);
    if (step % 3) {
      code = FN(step)(state, (const void *const *)ports.inputs, ports.outputs);
    } else {
      REQUIRE(FN(push)(state, (const void *const *)ports.inputs) >= 0);
      code = FN(predict)(state, ports.outputs);
    }
    add_outputs(&hash, code, &ports);
  }
  add(&hash, state, STATE_BYTES);
  FN(pool_use)(NULL);
  return hash;
}

static void check_teams(unsigned long long expected) {
  int most[] = {1, 2, 3, 5, 8};
  for (int i = 0; i < 5; ++i) {
    struct weir_pool *pool = FN(pool_open)(most[i], i % 2);
    REQUIRE(pool && stream(pool, steps) == expected);
    FN(pool_close)(pool);
  }
}

/* On one processor nobody looks for others, all of them sleep: in any order. */
static void check_any_order(void) {
  cpu_set_t all, one;
  REQUIRE(!sched_getaffinity(0, sizeof all, &all));
  CPU_ZERO(&one);
  for (int i = 0; i < CPU_SETSIZE && !CPU_COUNT(&one); ++i)
    if (CPU_ISSET(i, &all))
      CPU_SET(i, &one);
  unsigned long long expected = stream(NULL, 20);
  REQUIRE(!sched_setaffinity(0, sizeof one, &one));
  delays = 1;
  struct weir_pool *pool = FN(pool_open)(3, 0);
  REQUIRE(pool && stream(pool, 20) == expected);
  FN(pool_close)(pool);
  delays = 0;
  REQUIRE(!sched_setaffinity(0, sizeof all, &all));
}

static void *stream_on(void *pool) { return (void *)(uintptr_t)stream(pool, steps); }

/* Two callers of one pool, and one of another. */
static void check_callers(unsigned long long expected) {
  struct weir_pool *pools[] = {FN(pool_open)(2, 0), FN(pool_open)(3, 0)};
  pthread_t threads[3];
  for (int i = 0; i < 3; ++i)
    REQUIRE(!pthread_create(&threads[i], NULL, stream_on, pools[i / 2]));
  for (int i = 0; i < 3; ++i) {
    void *hash;
    REQUIRE(!pthread_join(threads[i], &hash));
    REQUIRE((uintptr_t)hash == (uintptr_t)expected);
  }
  FN(pool_close)(pools[0]);
  FN(pool_close)(pools[1]);
}

enum { STREAMS = 5 };

/* Streams that all get the same tokens. */
static int step_streams(void **states, struct ports *ports) {
  void *inputs[STREAMS][NUM_INPUTS];
  for (int i = 0; i < STREAMS; ++i)
    memcpy(inputs[i], ports->inputs, sizeof inputs[i]);
  return FN(step_many)(states, (const void *const *)inputs, NULL, STREAMS, NULL);
}

/* The kernel ends a process that makes any other call than futex. */
static void check_system_calls(void) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_futex, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)};
  struct sock_fprog program = {sizeof code / sizeof *code, code};
  void *state = guarded(STATE_BYTES, K(ALIGNMENT));
  void *states[STREAMS];
  struct ports ports;
  guarded_ports(ports.inputs, input_bytes, NUM_INPUTS);
  guarded_ports(ports.outputs, output_bytes, NUM_OUTPUTS);
  for (int i = 0; i < STREAMS; ++i)
    REQUIRE(!FN(init)(states[i] = guarded(STATE_BYTES, K(ALIGNMENT))));
  pid_t child = fork();
  if (child == 0) {
    FN(pool_use)(FN(pool_open)(2, 0));
    FN(init)(state);
    fetch(&tokens, 0, ports.inputs);
    FN(step)(state, (const void *const *)ports.inputs, ports.outputs);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (__real_syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC,
                       &program))
      _exit(2);
    int codes = 0;
    for (int step = 1; step < steps; ++step) {
      fetch(&tokens, step, ports.inputs);
      codes |= FN(step)(state, (const void *const *)ports.inputs, ports.outputs);
      codes |= step_streams(states, &ports);
    }
    __real_syscall(SYS_exit_group, codes < 0);
  }
  int status;
  REQUIRE(waitpid(child, &status, 0) == child && WIFEXITED(status));
  REQUIRE(WEXITSTATUS(status) == 0);
}

/* A forked process has none of the threads. */
static void check_fork(void) {
  struct weir_pool *pool = FN(pool_open)(2, 0);
  unsigned long long expected = stream(pool, 5);
  pid_t child = fork();
  if (child == 0) {
    int differs = stream(pool, 5) != expected;
    FN(pool_close)(pool);
    _exit(differs);
  }
  int status;
  REQUIRE(waitpid(child, &status, 0) == child && WIFEXITED(status));
  REQUIRE(WEXITSTATUS(status) == 0);
  FN(pool_close)(pool);
}

int main(int argc, char **argv) {
  (void)argc;
  tokens = read_tokens(argv[1]);
  steps = atoi(argv[2]);
  unsigned long long expected = stream(NULL, steps);
  REQUIRE(calls == 0);
  REQUIRE(stream(NULL, steps - 1) != expected);
  check_teams(expected);
  check_any_order();
  check_callers(expected);
  check_system_calls();
  check_fork();
  for (int i = 0; i < 1000; ++i)
    FN(pool_close)(FN(pool_open)(2, 0));
  REQUIRE(!FN(pool_open)(-1, 0));
  FN(pool_close)(NULL);
  return 0;
}
