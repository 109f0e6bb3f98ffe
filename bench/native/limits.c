/* limits.c - What this machine can do: multiply-adds a second, and bytes read a second by
 * the size of what is read.
 *
 *     limits THREADS     prints {"fma_gflops": {...}, "read_gbs": {"SIZE": {...}, ...}},
 * each for 1 to THREADS threads
 *
 * The best of several runs counts: whatever else happens on a machine only slows it down.
 */

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "read.h"

enum { RUNS = 5, FMA_CHAINS = 12, MAX_THREADS = 64, KIB = 1024 };
static const long fmaRounds = 2000000;
static const double bytesPerRun = 2e8;
static const long sizes[] = {24,       512,      2 * KIB,   4 * KIB,  8 * KIB,
                             12 * KIB, 16 * KIB, 20 * KIB,  24 * KIB, 32 * KIB,
                             48 * KIB, 64 * KIB, 128 * KIB, 512 * KIB};

static volatile float sink;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + 1e-9 * time.tv_nsec;
}

/* Independent chains of multiply-adds; the empty assembly keeps each in its register. */
__attribute__((noinline)) static float multiplyAdd(long rounds) {
  Vector factor = (Vector){} + 0.999999f, addend = (Vector){} + 1e-7f, chains[FMA_CHAINS];
  for (int i = 0; i < FMA_CHAINS; ++i)
    chains[i] = (Vector){} + (float)i;
  for (long k = 0; k < rounds; ++k)
#pragma clang loop unroll(full)
    for (int i = 0; i < FMA_CHAINS; ++i) {
      chains[i] = chains[i] * factor + addend;
#if defined(__x86_64__)
      __asm__("" : "+v"(chains[i]));
#elif defined(__aarch64__)
      __asm__("" : "+w"(chains[i]));
#endif
    }
  Vector all = {};
  for (int i = 0; i < FMA_CHAINS; ++i)
    all += chains[i];
  return sumOf(all);
}

struct Job {
  const float *floats; /* null: multiply and add */
  size_t count;
  long rounds;
  pthread_barrier_t *barrier;
  double begin, end;
};

static void *work(void *argument) {
  struct Job *job = argument;
  if (job->floats)
    sink = readFloats(job->floats, job->count);
  pthread_barrier_wait(job->barrier);
  job->begin = now();
  if (job->floats)
    for (long k = 0; k < job->rounds; ++k) {
      sink = readFloats(job->floats, job->count);
      __asm__ volatile("" ::: "memory"); /* or else it is read once */
    }
  else
    sink = multiplyAdd(job->rounds);
  job->end = now();
  return NULL;
}

/* Seconds from the first begin to the last end; each thread has its part of `count`
 * floats. */
static double run(int threads, const float *floats, size_t count, long rounds) {
  pthread_t ids[MAX_THREADS];
  struct Job jobs[MAX_THREADS];
  pthread_barrier_t barrier;
  pthread_barrier_init(&barrier, NULL, threads);
  size_t each = count / threads / READ_STEP * READ_STEP;
  for (int i = 0; i < threads; ++i) {
    jobs[i] =
        (struct Job){floats ? floats + i * each : NULL, each, rounds, &barrier, 0, 0};
    pthread_create(&ids[i], NULL, work, &jobs[i]);
  }
  double begin = 1e30, end = 0;
  for (int i = 0; i < threads; ++i) {
    pthread_join(ids[i], NULL);
    begin = jobs[i].begin < begin ? jobs[i].begin : begin;
    end = jobs[i].end > end ? jobs[i].end : end;
  }
  pthread_barrier_destroy(&barrier);
  return end - begin;
}

static double best(int threads, const float *floats, size_t count, long rounds,
                   double work) {
  double most = 0;
  for (int k = 0; k < RUNS; ++k) {
    double rate = work / run(threads, floats, count, rounds) / 1e9;
    most = rate > most ? rate : most;
  }
  return most;
}

int main(int argc, char **argv) {
  int most = argc > 1 ? atoi(argv[1]) : 1;
  if (most < 1 || most > MAX_THREADS) {
    fprintf(stderr, "limits: error: %d threads are not between 1 and %d\n", most,
            MAX_THREADS);
    return 2;
  }
  printf("{\"lanes\": %d, \"fma_gflops\": {", LANES);
  for (int threads = 1; threads <= most; ++threads) {
    double work = 2.0 * LANES * FMA_CHAINS * fmaRounds * threads;
    printf("%s\"%d\": %.1f", threads > 1 ? ", " : "", threads,
           best(threads, NULL, 0, fmaRounds, work));
  }
  printf("}, \"read_gbs\": {");
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; ++s) {
    size_t bytes = sizes[s] * KIB;
    float *floats = aligned_alloc(4096, bytes);
    if (!floats)
      break;
    memset(floats, 0, bytes);
    printf("%s\"%zu\": {", s ? ", " : "", bytes);
    for (int threads = 1; threads <= most; ++threads) {
      long rounds = 1 + (long)(bytesPerRun / bytes);
      double rate =
          best(threads, floats, bytes / sizeof(float), rounds, (double)bytes * rounds);
      printf("%s\"%d\": %.1f", threads > 1 ? ", " : "", threads, rate);
    }
    printf("}");
    free(floats);
  }
  printf("}}\n");
  return 0;
}
