/* interleave.c - Streams stepped together equal streams stepped alone, bit for bit.
   usage: interleave TOKENS CALLS
   64 streams at random phases: each call of step_many takes some of them, in any order;
   between calls, streams are begun anew, saved and resumed. A twin of each goes the same
   way through step. */
#include "model.h"

enum { STREAMS = 64 };

struct stream {
  void *state;
  unsigned char saved[STATE_BYTES];
  int has_saved;
};

static unsigned long long seed = 7;
static size_t below(size_t bound) { return next_random(&seed) % bound; }

static void *aligned(size_t bytes) {
  void *memory = aligned_alloc(K(ALIGNMENT), (bytes + 63) / 64 * 64);
  REQUIRE(memory);
  return memory;
}

/* Begins anew, saves or resumes, both twins alike. */
static void disturb(struct stream *together, struct stream *alone) {
  struct stream *twins[] = {together, alone};
  size_t what = below(3);
  for (int i = 0; i < 2; ++i) {
    struct stream *one = twins[i];
    if (what == 0)
      REQUIRE(FN(init)(one->state) == 0);
    if (what == 1)
      memcpy(one->saved, one->state, STATE_BYTES);
    if (what == 2 && one->has_saved)
      REQUIRE(FN(load)(one->state, one->saved, STATE_BYTES) == 0);
    one->has_saved |= what == 1;
  }
}

int main(int argc, char **argv) {
  (void)argc;
  struct tokens tokens = read_tokens(argv[1]);
  int calls = atoi(argv[2]), order[STREAMS], ready[STREAMS];
  long compared = 0;
  static struct stream together[STREAMS], alone[STREAMS];
  static void *inputs[STREAMS][NUM_INPUTS], *outputs[STREAMS][NUM_OUTPUTS],
      *single[NUM_OUTPUTS];
  void *states[STREAMS];
  for (int i = 0; i < STREAMS; ++i) {
    together[i].state = aligned(STATE_BYTES);
    alone[i].state = aligned(STATE_BYTES);
    REQUIRE(FN(init)(together[i].state) == 0 && FN(init)(alone[i].state) == 0);
    order[i] = i;
    for (int k = 0; k < NUM_INPUTS; ++k)
      inputs[i][k] = aligned(input_bytes[k]);
    for (int k = 0; k < NUM_OUTPUTS; ++k)
      outputs[i][k] = aligned(output_bytes[k]);
  }
  for (int k = 0; k < NUM_OUTPUTS; ++k)
    single[k] = aligned(output_bytes[k]);
  for (int call = 0; call < calls; ++call) {
    size_t count = 1 + below(STREAMS);
    for (size_t i = 0; i < count; ++i) {
      size_t other = i + below(STREAMS - i);
      int stream = order[other];
      order[other] = order[i];
      order[i] = stream;
      if (below(16) == 0)
        disturb(&together[stream], &alone[stream]);
      states[i] = together[stream].state;
      fetch(&tokens, below(tokens.count), inputs[i]);
    }
    REQUIRE(FN(step_many)(states, (const void *const *)inputs, (void *const *)outputs,
                          count, ready) == 0);
    for (size_t i = 0; i < count; ++i) {
      void *twin = alone[order[i]].state;
      REQUIRE(FN(step)(twin, (const void *const *)inputs[i], single) == ready[i]);
      for (int k = 0; ready[i] == K(READY) && k < NUM_OUTPUTS; ++k, ++compared)
        REQUIRE(!memcmp(outputs[i][k], single[k], output_bytes[k]));
      REQUIRE(!memcmp(states[i], twin, STATE_BYTES));
    }
  }
  printf("%ld outputs compared\n", compared);
  return compared == 0;
}
