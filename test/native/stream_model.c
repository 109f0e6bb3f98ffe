/* stream_model.c - Stream a file of tokens, from the beginning or from a saved state.
   usage: stream_model TOKENS OUTPUTS [--load STATE] [--save STATE] */
#include "model.h"

static void read_state(void *state, const char *path) {
  unsigned char *bytes = malloc(STATE_BYTES + 1);
  FILE *file = fopen(path, "rb");
  REQUIRE(file);
  size_t size = fread(bytes, 1, STATE_BYTES + 1, file);
  fclose(file);
  int code = FN(load)(state, bytes, size);
  if (code) {
    fprintf(stderr, "%s: %s\n", path, FN(error)(code));
    exit(2);
  }
  free(bytes);
}

int main(int argc, char **argv) {
  struct tokens tokens = read_tokens(argv[1]);
  FILE *written = fopen(argv[2], "wb");
  REQUIRE(written);
  const char *load = NULL, *save = NULL;
  for (int i = 3; i + 1 < argc; i += 2) {
    if (!strcmp(argv[i], "--load"))
      load = argv[i + 1];
    if (!strcmp(argv[i], "--save"))
      save = argv[i + 1];
  }
  void *state = guarded(STATE_BYTES, K(ALIGNMENT)); /* full of garbage */
  if (load)
    read_state(state, load);
  else
    REQUIRE(FN(init)(state) == 0);
  void *inputs[NUM_INPUTS], *outputs[NUM_OUTPUTS];
  guarded_ports(inputs, input_bytes, NUM_INPUTS);
  guarded_ports(outputs, output_bytes, NUM_OUTPUTS);
  for (size_t step = 0; step < tokens.count; ++step) {
    fetch(&tokens, step, inputs);
    for (int i = 0; i < NUM_OUTPUTS; ++i)
      memset(outputs[i], 0xA5, output_bytes[i]);
    int code = FN(step)(state, (const void *const *)inputs, outputs);
    REQUIRE(code == K(WARMING_UP) || code == K(READY));
    fwrite(&code, sizeof code, 1, written);
    for (int i = 0; i < NUM_OUTPUTS; ++i) {
      if (code == K(READY))
        fwrite(outputs[i], 1, output_bytes[i], written);
      for (size_t k = 0; code == K(WARMING_UP) && k < output_bytes[i]; ++k)
        REQUIRE(((unsigned char *)outputs[i])[k] == 0xA5);
    }
  }
  fclose(written);
  if (save) {
    FILE *file = fopen(save, "wb");
    REQUIRE(file && fwrite(state, 1, STATE_BYTES, file) == STATE_BYTES);
    fclose(file);
  }
  return 0;
}
