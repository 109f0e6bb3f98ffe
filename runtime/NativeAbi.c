/*===- NativeAbi.c - The C functions of a compiled model ------------------===*\
 * Checks what the caller hands in, then runs the lowered functions. A state is
 * plain bytes, a header and the tensors. Nothing else is kept from one call to the
 * next but the pool that a thread wants its calls to run on, so that states are
 * independent of each other and of the thread.
\*===----------------------------------------------------------------------===*/

#include "NativeAbi.h"

/* Return codes, as the generated header declares them. */
enum {
  WARMING_UP = 0,
  READY = 1,
  ERROR_NULL = -1,
  ERROR_ALIGNMENT = -2,
  ERROR_NO_STATE = -3,
  ERROR_VERSION = -4,
  ERROR_MODEL = -5,
  ERROR_SIZE = -6,
  ERROR_COUNTER = -7
};

static const struct weir_header fresh_header = {
    {'W', 'E', 'I', 'R', 'S', 'T', 'A', 'T'}, WEIR_ABI_VERSION, 0, 0, 0, {0, 0, 0, 0}};

static uint64_t get_counter(const void *state) {
  uint64_t steps;
  __builtin_memcpy(&steps, (const char *)state + weir_model.counter, sizeof steps);
  return steps;
}

static int is_ready(uint64_t steps) {
  return steps >= weir_model.warmup ? READY : WARMING_UP;
}

/* Are these the bytes of a state of this very model? `state` need not be aligned. */
static int check_contents(const void *state) {
  struct weir_header header;
  __builtin_memcpy(&header, state, sizeof header);
  for (int i = 0; i < 8; ++i)
    if (header.magic[i] != fresh_header.magic[i])
      return ERROR_NO_STATE;
  if (header.abi_version != WEIR_ABI_VERSION)
    return ERROR_VERSION;
  if (header.model != weir_model.hash)
    return ERROR_MODEL;
  if (header.state_bytes != weir_model.state_bytes)
    return ERROR_SIZE;
  uint64_t zeros = header.reserved;
  for (int i = 0; i < 4; ++i)
    zeros |= header.zeros[i];
  if (zeros)
    return ERROR_NO_STATE;
  return get_counter(state) > weir_model.most_steps ? ERROR_COUNTER : 0;
}

static int check_memory(const void *state) {
  if (!state)
    return ERROR_NULL;
  return (uintptr_t)state % WEIR_ALIGNMENT ? ERROR_ALIGNMENT : 0;
}

static int check_state(const void *state) {
  int error = check_memory(state);
  return error ? error : check_contents(state);
}

static int check_inputs(const void *const *inputs) {
  if (!inputs)
    return ERROR_NULL;
  for (uint64_t i = 0; i < weir_model.num_inputs; ++i)
    if (!inputs[i])
      return ERROR_NULL;
  return 0;
}

static int check_call(const void *state, const void *const *inputs) {
  int error = check_state(state);
  return error ? error : check_inputs(inputs);
}

/* Of calls that do not read what `memory` holds. */
static int check_fresh_call(const void *memory, const void *const *inputs) {
  int error = check_memory(memory);
  return error ? error : check_inputs(inputs);
}

/* Padding between tensors too: equal streams have equal bytes. */
static void make_fresh(void *state) {
  __builtin_memset(state, 0, weir_model.state_bytes);
  struct weir_header header = fresh_header;
  header.model = weir_model.hash;
  header.state_bytes = weir_model.state_bytes;
  __builtin_memcpy(state, &header, sizeof header);
}

static _Thread_local struct weir_pool *pool_in_use;

void weir_pool_use(struct weir_pool *pool) { pool_in_use = pool; }

struct call {
  weir_part *part;
  void *state;
  const void *const *inputs;
  void *const *outputs;
  void *scratch;
};

static void run_part(void *context, struct weir_member *member) {
  const struct call *call = context;
  call->part(call->state, call->inputs, call->outputs, call->scratch, member);
}

void weir_share(weir_part *part, int64_t threads, void *state, const void *const *inputs,
                void *const *outputs, void *scratch, struct weir_pool *pool) {
  struct call call = {part, state, inputs, outputs, scratch};
  weir_pool_run(pool, threads, run_part, &call);
}

int weir_init(void *state) {
  int error = check_memory(state);
  if (error)
    return error;
  make_fresh(state);
  weir_entry_init(state, NULL, NULL, weir_scratch, pool_in_use);
  return 0;
}

int weir_step(void *state, const void *const *inputs, void *const *outputs) {
  int error = check_call(state, inputs);
  if (error)
    return error;
  int ready = is_ready(get_counter(state) + 1);
  weir_entry_step(state, inputs, ready ? outputs : NULL, weir_scratch, pool_in_use);
  return ready;
}

int weir_step1(void *state, const float *x, float *y) {
  const void *inputs[] = {x};
  void *outputs[] = {y};
  return weir_step(state, inputs, outputs);
}

int weir_push(void *state, const void *const *inputs) {
  int error = check_call(state, inputs);
  if (error)
    return error;
  weir_entry_push(state, inputs, NULL, weir_scratch, pool_in_use);
  return is_ready(get_counter(state));
}

int weir_predict(void *state, void *const *outputs) {
  int error = check_state(state);
  if (error)
    return error;
  if (!is_ready(get_counter(state)))
    return WARMING_UP;
  weir_entry_predict(state, NULL, outputs, weir_scratch, pool_in_use);
  return READY;
}

int weir_prime(void *state, const void *const *inputs, void *const *outputs) {
  int error = check_fresh_call(state, inputs);
  if (error)
    return error;
  make_fresh(state);
  weir_entry_prime(state, inputs, outputs, weir_scratch, pool_in_use);
  return is_ready(get_counter(state));
}

/* Where the lowered functions find the memory of one stream of a group. */
#define GROUP_ACCESS __attribute__((visibility("hidden"), always_inline))

GROUP_ACCESS void *weir_group_state(const struct weir_group *group, uint64_t stream) {
  return group->states[stream];
}

GROUP_ACCESS const void *weir_group_input(const struct weir_group *group, uint64_t stream,
                                          uint64_t input) {
  return group->inputs[stream * weir_model.num_inputs + input];
}

/* `offset` is that of the output among those of a stream that are not wanted. */
GROUP_ACCESS void *weir_group_output(const struct weir_group *group, uint64_t stream,
                                     uint64_t output, uint64_t offset) {
  void *wanted = group->outputs && group->ready[stream]
                     ? group->outputs[stream * weir_model.num_outputs + output]
                     : NULL;
  uint64_t room = weir_model.discarded + stream * weir_model.discarded_bytes + offset;
  return wanted ? wanted : group->scratch + room;
}

/* The first streams that can be stepped at once, at most `most`: sound, and all
   different. Finds out which of them are ready. */
static uint64_t find_streams(const struct weir_group *streams, uint64_t most,
                             unsigned char *ready) {
  for (uint64_t count = 0; count < most; ++count) {
    const void *state = streams->states[count];
    if (check_call(state, streams->inputs + count * weir_model.num_inputs))
      return count;
    int is_known = 0;
    for (uint64_t i = 0; i < count; ++i)
      is_known |= streams->states[i] == state;
    if (is_known)
      return count;
    ready[count] = (unsigned char)is_ready(get_counter(state) + 1);
  }
  return most;
}

/* Those behind the first `count`. */
static struct weir_group skip_streams(const struct weir_group *streams, uint64_t count) {
  struct weir_group rest = *streams;
  rest.states += count;
  rest.inputs += count * weir_model.num_inputs;
  if (rest.outputs)
    rest.outputs += count * weir_model.num_outputs;
  if (rest.ready)
    rest.ready += count;
  return rest;
}

/* The rows of streams that a group lacks are computed too: it must be nearly full, unless
   the streams would go one by one instead. */
static uint64_t choose_group(uint64_t count) {
  uint64_t which = 0;
  for (uint64_t size; (size = weir_groups[which]); ++which) {
    uint64_t missing = weir_groups[which + 1] ? size / 4 : size / 2;
    if (count > 1 && count + missing >= size)
      break;
  }
  return which;
}

/* Steps the first `count` streams in groups, and what is left one by one, on the pool. */
static void step_streams(struct weir_group streams, uint64_t count,
                         struct weir_pool *pool) {
  while (count) {
    uint64_t which = choose_group(count), some = weir_groups[which];
    if (some > count)
      some = count;
    if (some) {
      weir_entry_group(which, &streams, some, streams.scratch);
    } else {
      some = 1;
      weir_entry_step(streams.states[0], streams.inputs,
                      *streams.ready ? streams.outputs : NULL, streams.scratch, pool);
    }
    streams = skip_streams(&streams, some);
    count -= some;
  }
}

struct many {
  struct weir_group streams;
  uint64_t count;
};

/* The share of one thread, in its own part of the scratch. */
static void step_share(void *context, struct weir_member *member) {
  const struct many *many = context;
  uint64_t id = (uint64_t)member->id, threads = (uint64_t)member->count;
  uint64_t first = id * many->count / threads, last = (id + 1) * many->count / threads;
  struct weir_group own = skip_streams(&many->streams, first);
  own.scratch += id * weir_model.stream_scratch;
  step_streams(own, last - first, NULL);
}

/* Few streams on many threads go as on one thread, but single steps are shared out. */
static void step_different(const struct many *many) {
  uint64_t threads = weir_pool_threads(pool_in_use, (int64_t)weir_model.stream_threads);
  if (threads < 2 || 2 * many->count <= threads)
    step_streams(many->streams, many->count, pool_in_use);
  else
    weir_pool_run(pool_in_use, (int64_t)(threads < many->count ? threads : many->count),
                  step_share, (void *)many);
}

/* As many full groups as fit into one run. */
static uint64_t get_most_streams(void) {
  uint64_t all = weir_groups[0] * weir_model.stream_threads;
  all = all && all <= WEIR_MOST_STREAMS ? all : weir_groups[0];
  return all ? WEIR_MOST_STREAMS / all * all : WEIR_MOST_STREAMS;
}

int weir_step_many(void *const *states, const void *const *inputs, void *const *outputs,
                   size_t count, int *ready) {
  if (count && (!states || !inputs))
    return ERROR_NULL;
  int first_error = 0;
  unsigned char are_ready[WEIR_MOST_STREAMS];
  uint64_t most = get_most_streams();
  struct many many = {{states, inputs, outputs, weir_scratch, NULL}, 0};
  for (size_t done = 0; done < count; done += many.count) {
    many.count =
        find_streams(&many.streams, count - done < most ? count - done : most, are_ready);
    if (!many.count) {
      int error = check_call(many.streams.states[0], many.streams.inputs);
      first_error = first_error ? first_error : error;
      if (ready)
        ready[done] = error;
      many.count = 1;
    } else {
      many.streams.ready = are_ready;
      step_different(&many);
      for (size_t i = 0; ready && i < many.count; ++i)
        ready[done + i] = are_ready[i];
      many.streams.ready = NULL;
    }
    many.streams = skip_streams(&many.streams, many.count);
  }
  return first_error;
}

int weir_window(void *scratch, const void *const *inputs, void *const *outputs) {
  int error = check_fresh_call(scratch, inputs);
  if (error)
    return error;
  weir_entry_window(NULL, inputs, outputs, scratch, pool_in_use);
  return READY;
}

int weir_window1(void *scratch, const float *x, float *y) {
  const void *inputs[] = {x};
  void *outputs[] = {y};
  return weir_window(scratch, inputs, outputs);
}

int weir_load(void *state, const void *bytes, size_t size) {
  int error = check_memory(state);
  if (error)
    return error;
  if (!bytes)
    return ERROR_NULL;
  if (size != weir_model.state_bytes)
    return ERROR_SIZE;
  error = check_contents(bytes);
  if (error)
    return error;
  __builtin_memmove(state, bytes, size);
  return 0;
}

const char *weir_error(int code) {
  switch (code) {
  case WARMING_UP:
    return "the window is not full yet";
  case READY:
    return "outputs are written";
  case ERROR_NULL:
    return "a pointer to the state, the scratch or an input is null";
  case ERROR_ALIGNMENT:
    return "the state or the scratch is not aligned to 64 bytes";
  case ERROR_NO_STATE:
    return "these bytes are no state: initialise, prime or load it first";
  case ERROR_VERSION:
    return "the state was written under another version of the binary interface";
  case ERROR_MODEL:
    return "the state belongs to another model, or to another build of this one";
  case ERROR_SIZE:
    return "the state has too few or too many bytes";
  case ERROR_COUNTER:
    return "the state counts more steps than a stream can have";
  default:
    return "unknown code";
  }
}
