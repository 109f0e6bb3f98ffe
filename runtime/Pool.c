/*===- Pool.c - Threads that share the steps of compiled models ------------===*\
 * Who waits looks at a word of memory for some microseconds and then sleeps in the kernel
 * (futex) until it changes. On a machine with fewer processors than threads nobody looks:
 * the one that is waited for may need the processor.
 *
 * This is compiled for processors whose C library is not at hand, so its few functions
 * are declared here, as all C libraries of 64-bit Linux have them.
\*===----------------------------------------------------------------------===*/

#include "Pool.h"
#include <stdatomic.h>
#include <stddef.h>

typedef uint64_t pthread_handle; /* an integer or an address */
extern int pthread_create(pthread_handle *thread, const void *attributes,
                          void *(*start)(void *), void *argument);
extern int pthread_join(pthread_handle thread, void **result);
extern int pthread_sigmask(int how, const void *set, void *old);
extern int sigfillset(void *set);
extern int sched_getaffinity(int thread, size_t size, void *set);
extern int sched_setaffinity(int thread, size_t size, const void *set);
extern void *mmap(void *address, size_t size, int protection, int flags, int file,
                  int64_t offset);
extern int munmap(void *address, size_t size);
extern int madvise(void *address, size_t size, int advice);
extern long syscall(long number, ...);

enum {
#if defined(__x86_64__)
  CALL_FUTEX = 202,
#else
  CALL_FUTEX = 98,
#endif
  FUTEX_WAIT_PRIVATE = 128,
  FUTEX_WAKE_PRIVATE = 129,
  READ_WRITE = 3,           /* PROT_READ | PROT_WRITE */
  PRIVATE_ANONYMOUS = 0x22, /* MAP_PRIVATE | MAP_ANONYMOUS */
  WIPE_ON_FORK = 18,        /* MADV_WIPEONFORK */
  SET_MASK = 2,             /* SIG_SETMASK */
  LINE = 64,                /* bytes that processors hand to each other */
  MOST_THREADS = 256,
  MOST_PROCESSORS = 1024,
  POOL_VERSION = 1,
  /* Looks before a thread sleeps, of 10 to 50 ns each. */
  LOOKS_IN_TASK = 2000,
  LOOKS_BETWEEN_TASKS = 1000,
  LEAST_LOOKS = 50
};

/* A word that threads wait for. Who changes it wakes those that sleep. */
struct word {
  _Alignas(LINE) _Atomic uint32_t value;
  _Atomic uint32_t sleepers;
};

struct weir_team {
  struct word phase; /* of the barrier */
  _Alignas(LINE) _Atomic uint32_t arrived;
  uint32_t looks;
};

struct worker {
  struct word tasks; /* how many it was given */
  _Alignas(LINE) struct weir_member member;
  struct weir_pool *pool;
  pthread_handle thread;
  int processor; /* -1: any */
};

struct weir_pool {
  uint32_t version; /* 0 in a forked process */
  int threads;
  size_t size; /* of this block */
  uint32_t looks;
  weir_task *task; /* null: end */
  void *context;
  _Alignas(LINE) _Atomic uint32_t is_busy;
  struct weir_team team;
  struct worker workers[]; /* of threads 1, 2, ... */
};

static void pause_shortly(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __builtin_arm_yield();
#endif /* RISC-V has no such instruction without extensions */
}

static void sleep_while(struct word *word, uint32_t value) {
  atomic_fetch_add(&word->sleepers, 1);
  while (atomic_load(&word->value) == value)
    syscall(CALL_FUTEX, &word->value, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
  atomic_fetch_sub(&word->sleepers, 1);
}

/* Waits until the word is not `value`. Did it look long enough? */
static int wait_while(struct word *word, uint32_t value, uint32_t looks) {
  for (uint32_t i = 0; i < looks; ++i) {
    if (atomic_load_explicit(&word->value, memory_order_acquire) != value)
      return 1;
    pause_shortly();
  }
  sleep_while(word, value);
  return 0;
}

/* The order of both accesses matters: a sleeper counts itself before it looks again. */
static void change(struct word *word, uint32_t value) {
  atomic_store(&word->value, value);
  if (atomic_load(&word->sleepers))
    syscall(CALL_FUTEX, &word->value, FUTEX_WAKE_PRIVATE, MOST_THREADS, NULL, NULL, 0);
}

void weir_barrier(struct weir_member *member) {
  if (member->count < 2)
    return;
  struct weir_team *team = member->team;
  /* Read before arriving: behind a task's last barrier, the member is of the next one. */
  uint32_t others = (uint32_t)member->count - 1;
  uint32_t phase = atomic_load_explicit(&team->phase.value, memory_order_relaxed);
  if (atomic_fetch_add(&team->arrived, 1) < others) {
    wait_while(&team->phase, phase, team->looks);
    return;
  }
  atomic_store_explicit(&team->arrived, 0, memory_order_relaxed);
  change(&team->phase, phase + 1);
}

static void pin(int processor) {
  uint64_t set[MOST_PROCESSORS / 64] = {0};
  set[processor / 64] = UINT64_C(1) << processor % 64;
  sched_setaffinity(0, sizeof set, set);
}

static void *work(void *argument) {
  struct worker *worker = argument;
  struct weir_pool *pool = worker->pool;
  if (worker->processor >= 0)
    pin(worker->processor);
  uint32_t done = 0, looks = pool->looks;
  for (;;) {
    /* Where tasks come seldom, looking for them is in vain. */
    int was_soon = wait_while(&worker->tasks, done, looks);
    looks = was_soon || looks / 2 < LEAST_LOOKS ? looks : looks / 2;
    if (was_soon)
      looks = pool->looks;
    ++done;
    if (!pool->task)
      return NULL;
    pool->task(pool->context, &worker->member);
    weir_barrier(&worker->member);
  }
}

static void give_task(struct weir_pool *pool, int threads, weir_task *task,
                      void *context) {
  pool->task = task;
  pool->context = context;
  for (int i = 0; i < threads - 1; ++i) {
    struct worker *worker = &pool->workers[i];
    worker->member.count = threads;
    uint32_t tasks = atomic_load_explicit(&worker->tasks.value, memory_order_relaxed);
    change(&worker->tasks, tasks + 1);
  }
}

uint64_t weir_pool_threads(const struct weir_pool *pool, int64_t most) {
  if (!pool || pool->version != POOL_VERSION || most < 2)
    return 1;
  return (uint64_t)(pool->threads < most ? pool->threads : most);
}

void weir_pool_run(struct weir_pool *pool, int64_t most, weir_task *task, void *context) {
  struct weir_member alone = {0, 1, NULL};
  int threads = (int)weir_pool_threads(pool, most);
  if (threads < 2 || atomic_exchange(&pool->is_busy, 1)) {
    task(context, &alone);
    return;
  }
  struct weir_member caller = {0, threads, &pool->team};
  give_task(pool, threads, task, context);
  task(context, &caller);
  weir_barrier(&caller);
  atomic_store(&pool->is_busy, 0);
}

/* The processors that this thread may use, into `processors`; how many. */
static int find_processors(int16_t *processors) {
  uint64_t set[MOST_PROCESSORS / 64] = {0};
  int count = 0;
  if (sched_getaffinity(0, sizeof set, set) < 0)
    return 0; /* more than we count */
  for (int i = 0; i < MOST_PROCESSORS; ++i)
    if (set[i / 64] >> i % 64 & 1)
      processors[count++] = (int16_t)i;
  return count;
}

/* Signals are for the program's own threads. */
static int start(struct worker *worker) {
  uint64_t all[16], before[16];
  sigfillset(all);
  pthread_sigmask(SET_MASK, all, before);
  int error = pthread_create(&worker->thread, NULL, work, worker);
  pthread_sigmask(SET_MASK, before, NULL);
  return error;
}

static void end(struct weir_pool *pool, int threads) {
  give_task(pool, threads, NULL, NULL);
  for (int i = 0; i < threads - 1; ++i)
    pthread_join(pool->workers[i].thread, NULL);
  munmap(pool, pool->size);
}

struct weir_pool *weir_pool_open(int threads, int flags) {
  int16_t processors[MOST_PROCESSORS];
  int available = find_processors(processors);
  if (threads == 0)
    threads = available ? available : 1;
  if (threads < 1 || threads > MOST_THREADS)
    return NULL;
  size_t size = sizeof(struct weir_pool) + (size_t)(threads - 1) * sizeof(struct worker);
  struct weir_pool *pool = mmap(NULL, size, READ_WRITE, PRIVATE_ANONYMOUS, -1, 0);
  if ((intptr_t)pool == -1)
    return NULL;
  madvise(pool, size, WIPE_ON_FORK);
  int is_roomy = available == 0 || threads <= available;
  pool->version = POOL_VERSION;
  pool->threads = threads;
  pool->size = size;
  pool->looks = is_roomy ? LOOKS_BETWEEN_TASKS : 0;
  pool->team.looks = is_roomy ? LOOKS_IN_TASK : 0;
  for (int i = 0; i < threads - 1; ++i) {
    struct worker *worker = &pool->workers[i];
    worker->member = (struct weir_member){i + 1, threads, &pool->team};
    worker->pool = pool;
    worker->processor =
        (flags & WEIR_POOL_PIN) && available ? processors[(i + 1) % available] : -1;
    if (start(worker)) {
      end(pool, i + 1);
      return NULL;
    }
  }
  return pool;
}

void weir_pool_close(struct weir_pool *pool) {
  if (pool && pool->version == POOL_VERSION)
    end(pool, pool->threads);
}
