/*===- NativeAbi.h - What a compiled model supplies to its C functions -----===*\
 * The two halves of a native artifact. NativeAbi.c is the same for every model
 * and is compiled to LLVM bitcode when Weir is built. The model's half, declared
 * here, is made for each model and linked to it; then `weir_step` is renamed
 * `ID_step`, and everything else becomes internal.
\*===----------------------------------------------------------------------===*/

#ifndef WEIR_RUNTIME_NATIVEABI_H
#define WEIR_RUNTIME_NATIVEABI_H

#include "Pool.h"
#include <stddef.h>
#include <stdint.h>

enum { WEIR_ABI_VERSION = 1, WEIR_ALIGNMENT = 64, WEIR_MOST_STREAMS = 256 };

/* The first bytes of a state, little endian. The tensors follow. */
struct weir_header {
  uint8_t magic[8];     /* "WEIRSTAT" */
  uint32_t abi_version; /* WEIR_ABI_VERSION */
  uint32_t reserved;    /* 0 */
  uint64_t model;       /* weir_model.hash */
  uint64_t state_bytes; /* of header and tensors */
  uint64_t zeros[4];
};

/* Facts of the model, in the order in which lib/Target/Native/Abi.cpp writes them. */
struct weir_model {
  uint64_t hash;        /* of weights, step program and layout */
  uint64_t state_bytes; /* of header and tensors */
  uint64_t counter;     /* offset of the int64 that counts steps */
  uint64_t most_steps;  /* which the counter never exceeds */
  uint64_t warmup;      /* steps until outputs mean something */
  uint64_t num_inputs;
  uint64_t num_outputs;
  uint64_t discarded;       /* offset in the scratch of outputs that are not wanted */
  uint64_t discarded_bytes; /* of one stream */
  uint64_t stream_threads;  /* most that step streams of one call */
  uint64_t stream_scratch;  /* bytes of the scratch of each of them */
};
extern const struct weir_model weir_model;

/* Temporaries of one call, of the calling thread: stream_threads times stream_scratch.
   Models of whole windows have none: callers bring it. */
extern _Thread_local _Alignas(WEIR_ALIGNMENT) unsigned char weir_scratch[];

/* The lowered functions. Outputs whose pointer is null, or all where `outputs` is, are
   computed into the scratch. One that is shared out runs on `pool`, if that is not null.
   A model may lack push, predict and prime: then it has no ID_push, ID_predict or
   ID_prime either. One of whole windows has `window` alone. */
typedef void weir_entry(void *state, const void *const *inputs, void *const *outputs,
                        void *scratch, struct weir_pool *pool);
extern weir_entry weir_entry_init, weir_entry_step, weir_entry_push, weir_entry_predict,
    weir_entry_prime, weir_entry_window;

/* Streams that are stepped together. */
struct weir_group {
  void *const *states;
  const void *const *inputs;  /* num_inputs a stream */
  void *const *outputs;       /* num_outputs a stream, or null */
  unsigned char *scratch;     /* of the thread that steps them */
  const unsigned char *ready; /* will outputs be written? */
};

/* How many streams a group may have: the largest first, 0 behind the last. */
extern const uint64_t weir_groups[];

/* Steps the first `count` streams of a group of size weir_groups[which]. */
extern void weir_entry_group(uint64_t which, const struct weir_group *group,
                             uint64_t count, void *scratch);
/* What each thread runs of an entry function that is shared out. */
typedef void weir_part(void *state, const void *const *inputs, void *const *outputs,
                       void *scratch, struct weir_member *member);
/* Runs it on at most `threads` threads of the pool. */
WEIR_INTERNAL void weir_share(weir_part *part, int64_t threads, void *state,
                              const void *const *inputs, void *const *outputs,
                              void *scratch, struct weir_pool *pool);

#endif
