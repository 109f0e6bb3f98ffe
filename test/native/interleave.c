/* interleave.c - Streams stepped together equal streams stepped alone, bit for bit.
   usage: interleave TOKENS CALLS; with -DPOOLED, interleave TOKENS CALLS THREADS
   64 streams at random phases: each call of step_many takes some of them, in any order;
   between calls, streams are begun anew, saved and resumed. A twin of each goes the same
   way through step. Some are not given properly, or twice, or nobody wants an output. */
#include "model.h"

enum { STREAMS = 64, MOST = STREAMS + 8 };

struct stream {
  void *state;
  unsigned char saved[STATE_BYTES];
  int has_saved;
};

/* One row of a call: the stream, what its twin makes of it, and where outputs go. */
struct row {
  int stream, expected;
  void *inputs[NUM_INPUTS], *outputs[NUM_OUTPUTS], *alone[NUM_OUTPUTS];
};

static unsigned long long seed = 7;
static size_t below(size_t bound) { return next_random(&seed) % bound; }

static struct stream together[STREAMS], alone[STREAMS];
static struct row rows[MOST];
static void *states[MOST], *inputs[MOST][NUM_INPUTS], *outputs[MOST][NUM_OUTPUTS];

static void *aligned(size_t bytes) {
  void *memory = aligned_alloc(K(ALIGNMENT), (bytes + 63) / 64 * 64);
  REQUIRE(memory);
  return memory;
}

/* Begins anew, saves or resumes, both twins alike. */
static void disturb(int stream) {
  struct stream *twins[] = {&together[stream], &alone[stream]};
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

/* Fills in what the call gets as row `i`, and steps the twin. */
static void prepare(int i, int stream, const struct tokens *tokens) {
  struct row *row = &rows[i];
  row->stream = stream;
  fetch(tokens, below(tokens->count), row->inputs);
  states[i] = together[stream].state;
  memcpy(inputs[i], row->inputs, sizeof inputs[i]);
  for (int k = 0; k < NUM_OUTPUTS; ++k) {
    outputs[i][k] = below(8) ? row->outputs[k] : NULL;
    memset(row->outputs[k], 0xA5, output_bytes[k]);
    memset(row->alone[k], 0xA5, output_bytes[k]);
  }
  size_t what = below(64);
  if (what == 0)
    states[i] = (char *)states[i] + 8;
  if (what == 1)
    states[i] = NULL;
  if (what == 2)
    inputs[i][below(NUM_INPUTS)] = NULL;
  row->expected = what == 0  ? K(ERROR_ALIGNMENT)
                  : what < 3 ? K(ERROR_NULL)
                             : FN(step)(alone[stream].state,
                                        (const void *const *)row->inputs, row->alone);
}

/* Returns how many outputs were compared. */
static long check(int i, int wanted, int ready) {
  const struct row *row = &rows[i];
  long compared = 0;
  REQUIRE(ready == row->expected);
  for (int k = 0; k < NUM_OUTPUTS; ++k) {
    const unsigned char *got = row->outputs[k];
    if (wanted && outputs[i][k]) { /* before READY both are untouched */
      REQUIRE(!memcmp(got, row->alone[k], output_bytes[k]));
      compared += ready == K(READY);
    }
    for (size_t at = 0; !(wanted && outputs[i][k]) && at < output_bytes[k]; ++at)
      REQUIRE(got[at] == 0xA5);
  }
  REQUIRE(!memcmp(together[row->stream].state, alone[row->stream].state, STATE_BYTES));
  return compared;
}

static void begin(void) {
  for (int i = 0; i < STREAMS; ++i) {
    together[i].state = aligned(STATE_BYTES);
    alone[i].state = aligned(STATE_BYTES);
    REQUIRE(FN(init)(together[i].state) == 0 && FN(init)(alone[i].state) == 0);
  }
  for (int i = 0; i < MOST; ++i) {
    for (int k = 0; k < NUM_INPUTS; ++k)
      rows[i].inputs[k] = aligned(input_bytes[k]);
    for (int k = 0; k < NUM_OUTPUTS; ++k) {
      rows[i].outputs[k] = aligned(output_bytes[k]);
      rows[i].alone[k] = aligned(output_bytes[k]);
    }
  }
}

#ifdef POOLED
/* Calls of step_many run on a pool, those of the twins on this thread. */
static struct weir_pool *pool;
static void open_pool(const char *threads) {
  REQUIRE((pool = FN(pool_open)(atoi(threads), 0)));
}
static int step_many(size_t count, int wanted, int *ready) {
  FN(pool_use)(pool);
  int code = FN(step_many)(states, (const void *const *)inputs,
                           wanted ? (void *const *)outputs : NULL, count, ready);
  FN(pool_use)(NULL);
  return code;
}
#else
static void open_pool(const char *threads) { (void)threads; }
static int step_many(size_t count, int wanted, int *ready) {
  return FN(step_many)(states, (const void *const *)inputs,
                       wanted ? (void *const *)outputs : NULL, count, ready);
}
#endif

int main(int argc, char **argv) {
  (void)argc;
  open_pool(argv[3]);
  struct tokens tokens = read_tokens(argv[1]);
  int calls = atoi(argv[2]), order[STREAMS], ready[MOST];
  long compared = 0;
  begin();
  for (int i = 0; i < STREAMS; ++i)
    order[i] = i;
  for (int call = 0; call < calls; ++call) {
    size_t streams = 1 + below(STREAMS), count = 0;
    for (size_t i = 0; i < streams; ++i) {
      size_t other = i + below(STREAMS - i);
      int stream = order[other];
      order[other] = order[i];
      order[i] = stream;
      if (below(16) == 0)
        disturb(stream);
      prepare(count++, stream, &tokens);
      if (below(64) == 0 &&
          count + streams - i < MOST) /* one more step of an earlier one */
        prepare(count++, order[below(i + 1)], &tokens);
    }
    int first_error = 0, wanted = below(8) != 0;
    for (size_t i = 0; i < count && !first_error; ++i)
      first_error = rows[i].expected < 0 ? rows[i].expected : 0;
    REQUIRE(step_many(count, wanted, ready) == first_error);
    for (size_t i = 0; i < count; ++i)
      compared += check(i, wanted, ready[i]);
  }
  printf("%ld outputs compared\n", compared);
  return compared == 0;
}
