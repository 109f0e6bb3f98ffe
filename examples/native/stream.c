/*===- stream.c - A compiled model on a stream of numbers ------------------===*\
 *   weir-compile examples/vowels/speaker_1.onnx -o speaker.o
 *   clang-22 -I. examples/native/stream.c speaker.o -lm -o stream
 *   ./stream < tokens.txt
 * Reads tokens as numbers from standard input, and prints the outputs of each step
 * from the first full window on.
\*===----------------------------------------------------------------------===*/

#include "speaker.h"
#include <stdio.h>

/* The stream: all that one step leaves to the next. */
static _Alignas(SPEAKER_ALIGNMENT) unsigned char state[SPEAKER_STATE_BYTES];

int main(void) {
  float token[SPEAKER_ELEMENTS_INPUT_TOKENS], scores[SPEAKER_ELEMENTS_OUTPUT_SPEAKER];
  const void *inputs[SPEAKER_NUM_INPUTS] = {[SPEAKER_INPUT_TOKENS] = token};
  void *outputs[SPEAKER_NUM_OUTPUTS] = {[SPEAKER_OUTPUT_SPEAKER] = scores};
  int code = speaker_init(state);
  for (size_t read = 0; code >= 0 && scanf("%f", &token[read]) == 1;) {
    if (++read < SPEAKER_ELEMENTS_INPUT_TOKENS)
      continue;
    read = 0;
    code = speaker_step(state, inputs, outputs);
    if (code != SPEAKER_READY)
      continue; /* warming up, or an error */
    for (int i = 0; i < SPEAKER_ELEMENTS_OUTPUT_SPEAKER; ++i)
      printf("%s%.4f", i ? " " : "", scores[i]);
    printf("\n");
  }
  if (code < 0)
    fprintf(stderr, "stream: %s\n", speaker_error(code));
  return code < 0;
}
