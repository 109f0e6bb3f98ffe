/* probe.c - How fast a number of bytes can be read, beside whatever else is measured.
 *
 * Threads read their parts of one buffer. Helpers spin for a while between two reads and
 * then sleep, so that a probe that nobody asks takes no time from others. */

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "read.h"

enum { SPINS = 20000 };

static float *buffer;
static size_t floatsEach;
static int threads;
static atomic_long asked, answered;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
static volatile float sink;

static void waitFor(long number) {
  for (int spins = 0; spins < SPINS; ++spins) {
    if (atomic_load(&asked) >= number)
      return;
    relax();
  }
  pthread_mutex_lock(&mutex);
  while (atomic_load(&asked) < number)
    pthread_cond_wait(&wake, &mutex);
  pthread_mutex_unlock(&mutex);
}

static void *help(void *index) {
  const float *mine = buffer + (size_t)index * floatsEach;
  for (long number = 1;; ++number) {
    waitFor(number);
    sink = readFloats(mine, floatsEach);
    atomic_fetch_add(&answered, 1);
  }
  return NULL;
}

void probe_start(int count, size_t bytes) {
  threads = count;
  floatsEach = (bytes / sizeof(float) / count + READ_STEP - 1) / READ_STEP * READ_STEP;
  size_t all = floatsEach * count * sizeof(float);
  buffer = aligned_alloc(4096, (all + 4095) / 4096 * 4096);
  memset(buffer, 0, all);
  for (size_t i = 1; i < (size_t)count; ++i) {
    pthread_t thread;
    pthread_create(&thread, NULL, help, (void *)i);
  }
}

float probe_read(void) {
  atomic_store(&answered, 0);
  pthread_mutex_lock(&mutex);
  atomic_fetch_add(&asked, 1);
  pthread_cond_broadcast(&wake);
  pthread_mutex_unlock(&mutex);
  float sum = readFloats(buffer, floatsEach);
  while (atomic_load(&answered) < threads - 1)
    relax();
  return sum;
}
