/* mutants.c - Damaged states are refused or harmless.
   usage: mutants TOKENS FOREIGN_STATE COUNT
   Loads COUNT mutants of a state, and steps what was accepted. The state, the inputs and
   the outputs end at pages that trap, bytes to load end at the end of a heap block, and
   the scratch stands between zeros. */
#include "model.h"

_Thread_local unsigned char before_scratch[4096];
extern _Thread_local unsigned char after_scratch[4096];

static unsigned long long seed = 1;
static size_t below(size_t bound) { return next_random(&seed) % bound; }

static unsigned char genuine[STATE_BYTES], *foreign;
static size_t foreign_bytes;

enum kind {
  TRUNCATED,
  LONGER,
  FOREIGN,
  STALE,
  HEADER,
  COUNTER,
  EXTREME,
  ANYWHERE,
  NUM_KINDS
};
static const char *const names[] = {"truncated",       "longer",  "foreign",
                                    "stale",           "header",  "counter",
                                    "extreme counter", "anywhere"};

static void flip(unsigned char *bytes, size_t first, size_t size) {
  for (size_t i = 1 + below(4); i > 0; --i)
    bytes[first + below(size)] ^= 1u << below(8);
}

/* A heap block of just the mutant's bytes. */
static unsigned char *mutate(enum kind kind, size_t *size) {
  *size = kind == TRUNCATED ? below(STATE_BYTES)
          : kind == LONGER  ? STATE_BYTES + 1 + below(100)
          : kind == FOREIGN ? foreign_bytes
                            : STATE_BYTES;
  unsigned char *bytes = malloc(*size ? *size : 1);
  memset(bytes, 0, *size ? *size : 1);
  if (kind == FOREIGN) {
    memcpy(bytes, foreign, *size);
    return bytes;
  }
  memcpy(bytes, genuine, *size < STATE_BYTES ? *size : STATE_BYTES);
  long long counters[] = {-1, 1ll << 62, 0x7fffffffffffffff,
                          (1ll << 62) / K(CHUNK) - (long long)below(2), 1ll << 40};
  switch (kind) {
  case STALE: /* versions and the model's hash */
    flip(bytes, 8, 16);
    break;
  case HEADER:
    flip(bytes, 0, 64);
    break;
  case COUNTER:
    flip(bytes, COUNTER_OFFSET, 8);
    break;
  case EXTREME:
    memcpy(bytes + COUNTER_OFFSET, &counters[below(5)], 8);
    break;
  case ANYWHERE:
    flip(bytes, 0, STATE_BYTES);
    break;
  default:
    break;
  }
  return bytes;
}

static void check_canaries(void) {
  for (size_t i = 0; i < sizeof before_scratch; ++i)
    REQUIRE(!before_scratch[i] && !after_scratch[i]);
}

int main(int argc, char **argv) {
  (void)argc;
  struct tokens tokens = read_tokens(argv[1]);
  FILE *file = fopen(argv[2], "rb");
  REQUIRE(file);
  foreign = malloc(1 << 24);
  foreign_bytes = fread(foreign, 1, 1 << 24, file);
  fclose(file);
  int count = atoi(argv[3]), accepted[NUM_KINDS] = {0}, refused[NUM_KINDS] = {0};
  void *state = guarded(STATE_BYTES, K(ALIGNMENT));
  void *inputs[NUM_INPUTS], *outputs[NUM_OUTPUTS];
  guarded_ports(inputs, input_bytes, NUM_INPUTS);
  guarded_ports(outputs, output_bytes, NUM_OUTPUTS);
  REQUIRE(FN(init)(state) == 0);
  for (size_t step = 0; step < tokens.count; ++step) {
    fetch(&tokens, step, inputs);
    REQUIRE(FN(step)(state, (const void *const *)inputs, outputs) >= 0);
  }
  memcpy(genuine, state, STATE_BYTES);
  for (int i = 0; i < count; ++i) {
    enum kind kind = below(NUM_KINDS);
    size_t size;
    unsigned char *bytes = mutate(kind, &size);
    int is_changed = size != STATE_BYTES || memcmp(bytes, genuine, STATE_BYTES);
    memcpy(state, genuine, STATE_BYTES);
    int code = FN(load)(state, bytes, size);
    REQUIRE(FN(error)(code) && *FN(error)(code));
    if (code) {
      ++refused[kind];
      REQUIRE(code < 0 && !memcmp(state, genuine, STATE_BYTES));
      /* The same bytes written over a live state: refused again. */
      memcpy(state, bytes, size < STATE_BYTES ? 0 : STATE_BYTES);
    } else {
      ++accepted[kind];
      REQUIRE(size == STATE_BYTES && !memcmp(bytes, genuine, 64));
      REQUIRE(kind != TRUNCATED && kind != LONGER && kind != FOREIGN);
      REQUIRE(!is_changed || (kind != STALE && kind != HEADER));
    }
    for (int step = 0; step < 3; ++step) {
      fetch(&tokens, i + step, inputs);
      int result = FN(step)(state, (const void *const *)inputs, outputs);
      REQUIRE(result <= K(READY));
      REQUIRE(!code || kind == TRUNCATED || kind == LONGER || kind == FOREIGN ||
              result < 0);
    }
    free(bytes);
  }
  check_canaries();
  for (int kind = 0; kind < NUM_KINDS; ++kind)
    printf("%s: %d refused, %d accepted\n", names[kind], refused[kind], accepted[kind]);
  return 0;
}
