// two_models.cpp - Two models live in one program, and their headers in one file of
// C++17.
#include "first.h"
#include "second.h"
#include <cstdio>
#include <cstdlib>
#include <cstring>

static void require(bool condition, const char *what) {
  if (condition)
    return;
  std::fprintf(stderr, "not true: %s\n", what);
  std::exit(1);
}

int main() {
  alignas(FIRST_ALIGNMENT) static unsigned char first[FIRST_STATE_BYTES];
  alignas(SECOND_ALIGNMENT) static unsigned char second[SECOND_STATE_BYTES];
  static first_input_x_t x[FIRST_ELEMENTS_INPUT_X];
  static first_output_layer_norm_3_t y[FIRST_ELEMENTS_OUTPUT_LAYER_NORM_3];
  static second_input_x_t u[SECOND_ELEMENTS_INPUT_X];
  static second_output_linear_5_t v[SECOND_ELEMENTS_OUTPUT_LINEAR_5];
  require(first_init(first) == 0 && second_init(second) == 0, "init");
  for (int step = 1; step < 40; ++step) {
    for (auto &value : x)
      value = 0.25f * (step % 7);
    for (auto &value : u)
      value = 0.5f * (step % 5);
    require(first_step1(first, x, y) == (step >= FIRST_WARMUP), "first steps");
    require(second_step1(second, u, v) == (step >= SECOND_WARMUP), "second steps");
  }
  require(first_step1(second, x, y) == FIRST_ERROR_MODEL,
          "a state of the second model is refused");
  require(second_load(second, first, FIRST_STATE_BYTES) < 0,
          "a state of the first model is refused");
}
