/* model.h - The model under test by neutral names, and memory that tells when it is
   overrun. Compiled with -DID=encoder -DUPPER=ENCODER -include encoder.h. */
#ifndef WEIR_TEST_NATIVE_MODEL_H
#define WEIR_TEST_NATIVE_MODEL_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define JOIN2(a, b) a##_##b
#define JOIN(a, b) JOIN2(a, b)
#define FN(name) JOIN(ID, name)
#define K(name) JOIN(UPPER, name)

static const size_t input_bytes[] = K(ALL_INPUT_BYTES);
static const size_t output_bytes[] = K(ALL_OUTPUT_BYTES);
enum {
  NUM_INPUTS = K(NUM_INPUTS),
  NUM_OUTPUTS = K(NUM_OUTPUTS),
  STATE_BYTES = K(STATE_BYTES)
};

#define REQUIRE(condition)                                                               \
  do {                                                                                   \
    if (!(condition)) {                                                                  \
      fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);          \
      exit(1);                                                                           \
    }                                                                                    \
  } while (0)

/* Memory of a test lives until it ends. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0"; }

/* `size` bytes whose end, and beginning but for alignment, lies against memory that
 * traps. */
static inline void *guarded(size_t size, size_t alignment) {
  size_t page = sysconf(_SC_PAGESIZE);
  size_t room = (size + page - 1) / page * page;
  unsigned char *all = mmap(NULL, room + 2 * page, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(all != MAP_FAILED);
  REQUIRE(!mprotect(all, page, PROT_NONE) &&
          !mprotect(all + page + room, page, PROT_NONE));
  memset(all + page, 0xA5, room);
  size_t start = (room - size) / alignment * alignment;
  return all + page + start;
}

/* One pointer for each port, each into guarded memory. */
static inline void guarded_ports(void **ports, const size_t *bytes, int count) {
  for (int i = 0; i < count; ++i)
    ports[i] = guarded(bytes[i], 8);
}

/* A file of steps: the bytes of all inputs, one step after the other. */
struct tokens {
  unsigned char *bytes;
  size_t count, step_bytes;
};

static inline struct tokens read_tokens(const char *path) {
  struct tokens tokens = {NULL, 0, 0};
  for (int i = 0; i < NUM_INPUTS; ++i)
    tokens.step_bytes += input_bytes[i];
  FILE *file = fopen(path, "rb");
  REQUIRE(file);
  fseek(file, 0, SEEK_END);
  size_t size = ftell(file);
  rewind(file);
  tokens.bytes = malloc(size + 1);
  REQUIRE(fread(tokens.bytes, 1, size, file) == size);
  fclose(file);
  tokens.count = size / tokens.step_bytes;
  return tokens;
}

/* Copies the inputs of a step to where `inputs` points. */
static inline void fetch(const struct tokens *tokens, size_t step, void *const *inputs) {
  const unsigned char *from = tokens->bytes + step % tokens->count * tokens->step_bytes;
  for (int i = 0; i < NUM_INPUTS; ++i) {
    memcpy(inputs[i], from, input_bytes[i]);
    from += input_bytes[i];
  }
}

/* xorshift64*: the same numbers on every machine. */
static inline unsigned long long next_random(unsigned long long *seed) {
  *seed ^= *seed >> 12;
  *seed ^= *seed << 25;
  *seed ^= *seed >> 27;
  return *seed * 2685821657736338717ull;
}

#endif
