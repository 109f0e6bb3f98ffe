/*===- Pool.h - Threads that share the steps of compiled models ------------===*\
 * A task runs on all threads of a team at once: each has the same code and its own
number,
 * and they wait for each other at barriers. Nothing is forked inside of a task.
\*===----------------------------------------------------------------------===*/

#ifndef WEIR_RUNTIME_POOL_H
#define WEIR_RUNTIME_POOL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is not called from outside of the artifact that carries it. */
#define WEIR_INTERNAL __attribute__((visibility("hidden")))

struct weir_pool;
struct weir_team;

/* One thread of a team, as compiled code sees it: a memref<2xi64> of id and count. */
struct weir_member {
  int64_t id;    /* 0 is who called */
  int64_t count; /* of the team's threads */
  struct weir_team *team;
};

typedef void weir_task(void *context, struct weir_member *member);

enum { WEIR_POOL_PIN = 1 }; /* each thread but the caller's stays on one processor */

/* A pool of `threads` threads, the caller of a task among them; 0: as many as there are
   processors. Null where they cannot be had. */
struct weir_pool *weir_pool_open(int threads, int flags);
/* Ends the threads. No task may run, and none may come. */
void weir_pool_close(struct weir_pool *pool);

/* Runs `task` on at most `most` threads of the pool, and returns when all are done: on
   the caller alone where there is no pool, where it is at work for somebody else, or
   where this process was forked from the one that opened it. Allocates nothing; the only
   system call is futex. */
WEIR_INTERNAL void weir_pool_run(struct weir_pool *pool, int64_t most, weir_task *task,
                                 void *context);

/* How many threads that would be, if the pool is free. */
WEIR_INTERNAL uint64_t weir_pool_threads(const struct weir_pool *pool, int64_t most);

/* Waits for the other threads of the team. What they wrote before is seen behind it. */
WEIR_INTERNAL void weir_barrier(struct weir_member *member);

#ifdef __cplusplus
}
#endif

#endif
