/* threads.c - Streams on two threads at once equal streams on one.
   usage: threads TOKENS STEPS */
#include "model.h"
#include <pthread.h>

static struct tokens tokens;
static int steps;
static pthread_barrier_t start;

struct run {
  size_t first; /* token */
  int together;
  unsigned long long hash; /* of all outputs and of the last state */
};

static void add(unsigned long long *hash, const void *bytes, size_t size) {
  for (size_t i = 0; i < size; ++i)
    *hash = (*hash ^ ((const unsigned char *)bytes)[i]) * 1099511628211ull;
}

static void *stream(void *argument) {
  struct run *run = argument;
  void *state = guarded(STATE_BYTES, K(ALIGNMENT)), *inputs[NUM_INPUTS],
       *outputs[NUM_OUTPUTS];
  guarded_ports(inputs, input_bytes, NUM_INPUTS);
  guarded_ports(outputs, output_bytes, NUM_OUTPUTS);
  run->hash = 14695981039346656037ull;
  if (run->together)
    pthread_barrier_wait(&start);
  REQUIRE(FN(init)(state) == 0);
  for (int step = 0; step < steps; ++step) {
    fetch(&tokens, run->first + step, inputs);
    int code = FN(step)(state, (const void *const *)inputs, outputs);
    REQUIRE(code >= 0);
    for (int i = 0; code == K(READY) && i < NUM_OUTPUTS; ++i)
      add(&run->hash, outputs[i], output_bytes[i]);
  }
  add(&run->hash, state, STATE_BYTES);
  return NULL;
}

int main(int argc, char **argv) {
  (void)argc;
  tokens = read_tokens(argv[1]);
  steps = atoi(argv[2]);
  REQUIRE(!pthread_barrier_init(&start, NULL, 2));
  struct run alone[2] = {{0, 0, 0}, {5, 0, 0}}, together[2] = {{0, 1, 0}, {5, 1, 0}};
  pthread_t threads[2];
  for (int i = 0; i < 2; ++i)
    stream(&alone[i]);
  for (int i = 0; i < 2; ++i)
    REQUIRE(!pthread_create(&threads[i], NULL, stream, &together[i]));
  for (int i = 0; i < 2; ++i)
    REQUIRE(!pthread_join(threads[i], NULL) && together[i].hash == alone[i].hash);
  REQUIRE(alone[0].hash != alone[1].hash);
  return 0;
}
