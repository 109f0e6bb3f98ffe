/* entries.c - push, predict and prime say what step says.
   usage: entries TOKENS WINDOW OUTPUTS
   Writes the outputs of a primed stream: of WINDOW, then of the steps of TOKENS from the
   first one behind it. */
#include "model.h"

static void *inputs[NUM_INPUTS], *outputs[NUM_OUTPUTS], *others[NUM_OUTPUTS];

static void fill(void *const *ports) {
  for (int i = 0; i < NUM_OUTPUTS; ++i)
    memset(ports[i], 0xA5, output_bytes[i]);
}

static int is_same(void) {
  for (int i = 0; i < NUM_OUTPUTS; ++i)
    if (memcmp(outputs[i], others[i], output_bytes[i]))
      return 0;
  return 1;
}

/* A push and a prediction are a step, bit for bit, also in the state. */
static void check_push_and_predict(const struct tokens *tokens) {
  void *stepped = guarded(STATE_BYTES, 64), *pushed = guarded(STATE_BYTES, 64);
  REQUIRE(FN(init)(stepped) == 0 && FN(init)(pushed) == 0);
  for (size_t step = 0; step < tokens->count; ++step) {
    fetch(tokens, step, inputs);
    fill(outputs);
    fill(others);
    int code = FN(step)(stepped, (const void *const *)inputs, outputs);
    REQUIRE(FN(push)(pushed, (const void *const *)inputs) == code);
    REQUIRE(!memcmp(stepped, pushed, STATE_BYTES));
    for (int again = 0; again < 2; ++again) { /* a prediction changes nothing */
      REQUIRE(FN(predict)(pushed, others) == code && is_same());
      REQUIRE(!memcmp(stepped, pushed, STATE_BYTES));
    }
    REQUIRE(FN(predict)(pushed, NULL) == code);
  }
}

static void check_errors(void *state) {
  void *none[NUM_INPUTS] = {NULL};
  unsigned char before[STATE_BYTES];
  memcpy(before, state, STATE_BYTES);
  REQUIRE(FN(push)(state, NULL) == K(ERROR_NULL));
  REQUIRE(FN(push)(state, (const void *const *)none) == K(ERROR_NULL));
  REQUIRE(FN(prime)(state, (const void *const *)none, outputs) == K(ERROR_NULL));
  REQUIRE(FN(prime)((char *)state + 8, (const void *const *)inputs, outputs) ==
          K(ERROR_ALIGNMENT));
  REQUIRE(FN(predict)(NULL, outputs) == K(ERROR_NULL));
  REQUIRE(!memcmp(before, state, STATE_BYTES));
  memset(state, 0, STATE_BYTES);
  REQUIRE(FN(push)(state, (const void *const *)inputs) == K(ERROR_NO_STATE));
  REQUIRE(FN(predict)(state, outputs) == K(ERROR_NO_STATE));
}

static void stream_primed(const struct tokens *tokens, const char *window,
                          const char *written) {
  void *whole[NUM_INPUTS], *state = guarded(STATE_BYTES, 64);
  FILE *file = fopen(window, "rb");
  REQUIRE(file);
  for (int i = 0; i < NUM_INPUTS; ++i) {
    size_t size = input_bytes[i] / K(CHUNK) * K(WINDOW);
    whole[i] = guarded(size, 8);
    REQUIRE(fread(whole[i], 1, size, file) == size);
  }
  REQUIRE(fgetc(file) == EOF);
  fclose(file);
  file = fopen(written, "wb");
  REQUIRE(file);
  int code = FN(prime)(state, (const void *const *)whole, outputs); /* of garbage */
  for (size_t step = K(WARMUP);; ++step) {
    REQUIRE(code == K(READY));
    fwrite(&code, sizeof code, 1, file);
    for (int i = 0; i < NUM_OUTPUTS; ++i)
      fwrite(outputs[i], 1, output_bytes[i], file);
    if (step == tokens->count)
      break;
    fetch(tokens, step, inputs);
    code = FN(step)(state, (const void *const *)inputs, outputs);
  }
  fclose(file);
  check_errors(state);
}

int main(int argc, char **argv) {
  (void)argc;
  struct tokens tokens = read_tokens(argv[1]);
  guarded_ports(inputs, input_bytes, NUM_INPUTS);
  guarded_ports(outputs, output_bytes, NUM_OUTPUTS);
  guarded_ports(others, output_bytes, NUM_OUTPUTS);
  check_push_and_predict(&tokens);
  stream_primed(&tokens, argv[2], argv[3]);
  return 0;
}
