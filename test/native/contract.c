/* contract.c - What the header promises of codes, nulls and untouched memory.
   usage: contract TOKENS */
#include "model.h"

static void *inputs[NUM_INPUTS], *outputs[NUM_OUTPUTS], *others[NUM_OUTPUTS];

static int step(void *state, void *const *in, void *const *out) {
  return FN(step)(state, (const void *const *)in, out);
}

/* Any output may be null, or all: the others, and the stream, are the same. */
static void check_null_outputs(const struct tokens *tokens) {
  void *all = guarded(STATE_BYTES, 64), *some = guarded(STATE_BYTES, 64);
  REQUIRE(FN(init)(all) == 0 && FN(init)(some) == 0);
  for (size_t i = 0; i < tokens->count; ++i) {
    fetch(tokens, i, inputs);
    int code = step(all, inputs, outputs), wanted = i % (NUM_OUTPUTS + 1);
    void *targets[NUM_OUTPUTS];
    for (int k = 0; k < NUM_OUTPUTS; ++k)
      targets[k] = k == wanted ? others[k] : NULL;
    REQUIRE(step(some, inputs, wanted < NUM_OUTPUTS ? targets : NULL) == code);
    if (wanted < NUM_OUTPUTS && code == K(READY))
      REQUIRE(!memcmp(outputs[wanted], others[wanted], output_bytes[wanted]));
    REQUIRE(code == (i + 1 >= K(WARMUP) ? K(READY) : K(WARMING_UP)));
    REQUIRE(!memcmp(all, some, STATE_BYTES));
  }
}

static void check_errors(void) {
  unsigned char *state = guarded(STATE_BYTES + 64, 64), copy[STATE_BYTES];
  void *none[NUM_INPUTS] = {NULL};
  int ready[3];
  REQUIRE(step(state, inputs, outputs) == K(ERROR_NO_STATE)); /* garbage */
  REQUIRE(FN(init)(NULL) == K(ERROR_NULL) && FN(init)(state + 8) == K(ERROR_ALIGNMENT));
  REQUIRE(FN(init)(state) == 0);
  memcpy(copy, state, STATE_BYTES);
  REQUIRE(step(NULL, inputs, outputs) == K(ERROR_NULL));
  REQUIRE(step(state + 4, inputs, outputs) == K(ERROR_ALIGNMENT));
  REQUIRE(step(state, NULL, outputs) == K(ERROR_NULL));
  REQUIRE(step(state, none, outputs) == K(ERROR_NULL));
  REQUIRE(FN(load)(NULL, copy, STATE_BYTES) == K(ERROR_NULL));
  REQUIRE(FN(load)(state, NULL, STATE_BYTES) == K(ERROR_NULL));
  REQUIRE(FN(load)(state + 1, copy, STATE_BYTES) == K(ERROR_ALIGNMENT));
  REQUIRE(FN(load)(state, copy, STATE_BYTES - 1) == K(ERROR_SIZE));
  REQUIRE(FN(load)(state, copy, 0) == K(ERROR_SIZE));
  REQUIRE(!memcmp(state, copy, STATE_BYTES)); /* nothing so far changed it */

  unsigned char *moved = guarded(STATE_BYTES + 1, 1);
  memcpy(moved, copy, STATE_BYTES);
  REQUIRE((size_t)moved % 64 && FN(load)(state, moved, STATE_BYTES) == 0);
  moved[8] ^= 1;
  REQUIRE(FN(load)(state, moved, STATE_BYTES) == K(ERROR_VERSION));
  moved[8] ^= 1;
  moved[16] ^= 1;
  REQUIRE(FN(load)(state, moved, STATE_BYTES) == K(ERROR_MODEL));

  /* One bad stream among three: the others go on. */
  void *states[] = {state, state + 4, state};
  void *many[3][NUM_INPUTS];
  for (int i = 0; i < 3; ++i)
    memcpy(many[i], inputs, sizeof inputs);
  REQUIRE(FN(step_many)(states, (const void *const *)many, NULL, 3, ready) ==
          K(ERROR_ALIGNMENT));
  REQUIRE(ready[0] >= 0 && ready[1] == K(ERROR_ALIGNMENT) && ready[2] >= 0);
  REQUIRE(FN(step_many)(states, (const void *const *)many, NULL, 1, NULL) == 0);
  REQUIRE(FN(step_many)(NULL, NULL, NULL, 0, NULL) == 0);
  REQUIRE(FN(step_many)(NULL, NULL, NULL, 1, NULL) == K(ERROR_NULL));
  for (int code = -20; code < 20; ++code)
    REQUIRE(FN(error)(code) && *FN(error)(code));
}

int main(int argc, char **argv) {
  (void)argc;
  struct tokens tokens = read_tokens(argv[1]);
  guarded_ports(inputs, input_bytes, NUM_INPUTS);
  guarded_ports(outputs, output_bytes, NUM_OUTPUTS);
  guarded_ports(others, output_bytes, NUM_OUTPUTS);
  check_null_outputs(&tokens);
  check_errors();
  return 0;
}
