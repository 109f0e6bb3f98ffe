/* streams.c - Calls the functions of a compiled model in loops: stream by stream, and by
 * the clock. */

#include <stdint.h>
#include <time.h>

typedef int Step(void *state, const void *const *inputs, void *const *outputs);

/* One step of each stream, one after the other. `inputs` and `outputs` have one tensor
 * for each. */
void step_each(Step *step, void *const *states, const void *const *inputs,
               void *const *outputs, long count) {
  for (long i = 0; i < count; ++i)
    step(states[i], inputs + i, outputs + i);
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static void sleepUntil(int64_t when) {
  struct timespec time = {when / 1000000000, when % 1000000000};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL))
    ;
}

/* `count` steps of one stream on `distinct` tokens in turn, one every `period`
 * nanoseconds, or one after the other where it is 0. taken[i]: nanoseconds of step i. */
void step_timed(Step *step, void *state, const void *const *inputs, long distinct,
                void *const *outputs, long count, int64_t period, int32_t *taken) {
  int64_t due = now();
  for (long i = 0; i < count; ++i) {
    if (period) {
      due += period;
      sleepUntil(due);
    }
    int64_t begin = now();
    step(state, inputs + i % distinct, outputs);
    taken[i] = (int32_t)(now() - begin);
  }
}
