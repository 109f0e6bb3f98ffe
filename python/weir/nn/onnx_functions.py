"""The operators of domain `weir` as ONNX functions: bodies of standard operators of opset 18.

Any runtime with functions runs them; Weir reads the calls by their names. A body serves every call of its operator but
for the value of a string attribute (`function`, `clustering`), which bodies cannot test: where a file has calls
with several, each value after the first gets a body of its own, told apart by `overload`.
"""

import onnx
import onnx.parser

DOMAIN, VERSION, OPSET = "weir", 1, 18

# ---- maps along the tokens ----------------------------------------------------------------------------------------
# Angles stay whole numbers modulo their period as long as they can.
CONSTANTS = """
  zero = Constant<value = int64 {0}>()
  one = Constant<value = int64 {1}>()
  two = Constant<value = int64 {2}>()
  minus_one = Constant<value = int64[1] {-1}>()
  first_axis = Constant<value = int64[1] {0}>()
"""


def dct_table(table, tokens, rows):
    """Lines that make `table` [rows, tokens] of the orthonormal DCT-II."""
    t = table
    return f"""
  {t}_k = Range(zero, {rows}, one)
  {t}_row = Unsqueeze({t}_k, minus_one)
  {t}_j = Range(zero, {tokens}, one)
  {t}_2j = Mul({t}_j, two)
  {t}_odd = Add({t}_2j, one)
  {t}_steps = Mul({t}_row, {t}_odd)
  {t}_2n = Mul({tokens}, two)
  {t}_4n = Mul({t}_2n, two)
  {t}_step = Mod({t}_steps, {t}_4n)
  {t}_turn = Cast<to = 1>({t}_step)
  {t}_half = Cast<to = 1>({t}_2n)
  {t}_pi = Constant<value = float {{3.14159265358979}}>()
  {t}_share = Div({t}_turn, {t}_half)
  {t}_angle = Mul({t}_share, {t}_pi)
  {t}_cos = Cos({t}_angle)
  {t}_n = Cast<to = 1>({tokens})
  {t}_float_two = Constant<value = float {{2.0}}>()
  {t}_float_one = Constant<value = float {{1.0}}>()
  {t}_is_first = Equal({t}_row, zero)
  {t}_count = Where({t}_is_first, {t}_float_one, {t}_float_two)
  {t}_square = Div({t}_count, {t}_n)
  {t}_scale = Sqrt({t}_square)
  {table} = Mul({t}_scale, {t}_cos)
"""


# y = table x along `axis`, of any x.
APPLY = """
  typed = CastLike(table, x)
  axis_ = Unsqueeze(axis, first_axis)
  behind = Add(axis_, one)
  end = Constant<value = int64[1] {9223372036854775807}>()
  shape_before = Slice(shape, first_axis, axis_)
  shape_behind = Slice(shape, behind, end)
  inner = ReduceProd<keepdims = 1>(shape_behind)
  from = Slice(shape, axis_, behind)
  flat_shape = Concat<axis = 0>(minus_one, from, inner)
  flat = Reshape(x, flat_shape)
  mapped = MatMul(typed, flat)
  table_shape = Shape(typed)
  to = Slice(table_shape, first_axis, one_)
  y_shape = Concat<axis = 0>(shape_before, to, shape_behind)
  y = Reshape(mapped, y_shape)
"""


def token_map(name, count, table):
    """The function `name` of x along `axis`; `count` is its other attribute, `table` lines that make that."""
    return f"""{name} <axis, {count}> (x) => (y) {{
{CONSTANTS}
  one_ = Constant<value = int64[1] {{1}}>()
  axis = Constant<value_int: int = @axis>()
  {count} = Constant<value_int: int = @{count}>()
  shape = Shape(x)
  size = Gather(shape, axis)
{table}{APPLY}}}
"""


RESAMPLE = f"""{dct_table("long", "size", "keep")}{dct_table("short", "keep", "keep")}
  back = Transpose<perm = [1, 0]>(short)
  projection = MatMul(back, long)
  float_keep = Cast<to = 1>(keep)
  float_size = Cast<to = 1>(size)
  ratio = Div(float_keep, float_size)
  factor = Sqrt(ratio)
  table = Mul(projection, factor)
"""

# The first n mod m blocks hold one token more than the others.
POOL = """
  small = Div(size, keep)
  large = Add(small, one)
  larger = Mod(size, keep)
  border = Mul(larger, large)
  j = Range(zero, size, one)
  in_large = Div(j, large)
  past = Sub(j, border)
  small_block = Div(past, small)
  in_small = Add(small_block, larger)
  is_small = GreaterOrEqual(j, border)
  block = Where(is_small, in_small, in_large)
  rows = Range(zero, keep, one)
  row = Unsqueeze(rows, minus_one)
  is_in = Equal(row, block)
  members = Cast<to = 1>(is_in)
  count = ReduceSum(members, minus_one)
  table = Div(members, count)
"""

IDCT = (
    dct_table("forward", "tokens", "size")
    + """
  table = Transpose<perm = [1, 0]>(forward)
"""
)

# ---- clusters -----------------------------------------------------------------------------------------------------
# z = f(a)
SOFTMAX = "  {z} = Softmax<axis = -1>({a})\n"
LAPLACE = """
  {z}_mean = Constant<value = float {{0.707106781186548}}>()
  {z}_scale = Constant<value = float {{0.398942280401433}}>()
  {z}_half = Constant<value = float {{0.5}}>()
  {z}_mean_ = CastLike({z}_mean, {a})
  {z}_scale_ = CastLike({z}_scale, {a})
  {z}_half_ = CastLike({z}_half, {a})
  {z}_off = Sub({a}, {z}_mean_)
  {z}_ratio = Div({z}_off, {z}_scale_)
  {z}_erf = Erf({z}_ratio)
  {z}_scaled = Mul({z}_erf, {z}_half_)
  {z} = Add({z}_scaled, {z}_half_)
"""
AFFINITY = """ClusterAffinity <function> (queries, keys, phi) => (affinity) {{
  gate = Sigmoid(phi)
  negated = Neg(phi)
  other = Sigmoid(negated)
{of_queries}{of_keys}
  weighted_queries = Mul(gate, of_queries)
  weighted_keys = Mul(other, of_keys)
  affinity = Add(weighted_queries, weighted_keys)
}}
"""


def affinity(function):
    f = CHOICES["function"][function]
    return AFFINITY.format(
        of_queries=f.format(z="of_queries", a="queries"), of_keys=f.format(z="of_keys", a="keys")
    )


CHOOSE = """ChooseClusters <clustering, size> (affinity) => (indices) {{
{constants}
  size = Constant<value_int: int = @size>()
  size_ = Unsqueeze(size, first_axis)
  shape = Shape(affinity)
  lead = Shape<start = 0, end = -2>(affinity)
  tokens = Shape<start = -2, end = -1>(affinity)
  clusters = Shape<start = -1>(affinity)
  nowhere = Constant<value = int64 {{-1}}>()
  low = Constant<value = float {{-inf}}>()
  never = CastLike(low, affinity)
{body}}}
"""

TOPK = """
  values, order = TopK<axis = -2>(affinity, size_)
  is_one = Greater(values, never)
  chosen = Where(is_one, order, nowhere)
  matrices = Concat<axis = 0>(minus_one, size_, clusters)
  flat = Reshape(chosen, matrices)
  turned = Transpose<perm = [0, 2, 1]>(flat)
  result_shape = Concat<axis = 0>(lead, clusters, size_)
  indices = Reshape(turned, result_shape)
"""

# What both single assignments share: state before the first round, and indices from the slots.
ROUNDS_BEGIN = """
  clusters0 = Squeeze(clusters, first_axis)
  cluster = Range(zero, clusters0, one)
  last = Constant<value = int64 {-1}>()
  rows = Constant<value = int64 {-2}>()
  row_axis = Constant<value = int64[1] {-2}>()
  places = Mul(clusters, size_)
  one_row = Constant<value = int64[1] {1}>()
  taken_shape = Concat<axis = 0>(lead, one_row, clusters)
  taken0 = Expand(zero, taken_shape)
  slots_shape = Concat<axis = 0>(lead, tokens)
  slots0 = Expand(places, slots_shape)
"""
ROUNDS_END = """
  room = Add(places, one)
  empty_shape = Concat<axis = 0>(lead, room)
  empty = Expand(nowhere, empty_shape)
  filled = ScatterElements<axis = -1>(empty, slots, order)
  kept = Slice(filled, first_axis, places, minus_one)
  result_shape = Concat<axis = 0>(lead, clusters, size_)
  indices = Reshape(kept, result_shape)
"""

GREEDY = f"""{ROUNDS_BEGIN}
  best = ReduceMax<keepdims = 0>(affinity, minus_one)
  values, order = TopK<axis = -1>(best, tokens)
  column = Unsqueeze(order, minus_one)
  columns = Expand(column, shape)
  ranked = GatherElements<axis = -2>(affinity, columns)
  waiting0 = Greater(values, never)
  waiting, taken, slots = Loop(clusters0, , waiting0, taken0, slots0) <body = phase
    (int64 r, bool going, waiting_in, taken_in, slots_in) => (going_out, waiting_out, taken_out, slots_out) {{
      going_out = Identity(going)
      is_full = GreaterOrEqual(taken_in, size)
      open = Where(is_full, never, ranked)
      choice = ArgMax<axis = -1, keepdims = 1>(open)
      is_choice = Equal(choice, cluster)
      waiting_column = Unsqueeze(waiting_in, minus_one)
      queue = And(is_choice, waiting_column)
      queue_count = Cast<to = 7>(queue)
      sums = CumSum(queue_count, rows)
      sums_before = Sub(sums, one)
      place = Add(sums_before, taken_in)
      own_place = Mul(place, queue_count)
      token_place = ReduceSum<keepdims = 0>(own_place, minus_one)
      next_place = Add(token_place, one)
      at_end = GreaterOrEqual(next_place, size)
      fills = And(at_end, waiting_in)
      fills_count = Cast<to = 7>(fills)
      fills_sums = CumSum(fills_count, last)
      fills_before = Sub(fills_sums, fills_count)
      none_before = Equal(fills_before, zero)
      placed = And(none_before, waiting_in)
      choice_row = Squeeze(choice, minus_one)
      first_slot = Mul(choice_row, size)
      slot = Add(first_slot, token_place)
      slots_out = Where(placed, slot, slots_in)
      placed_column = Unsqueeze(placed, minus_one)
      joins = And(queue, placed_column)
      joins_count = Cast<to = 7>(joins)
      joined = ReduceSum(joins_count, row_axis)
      taken_out = Add(taken_in, joined)
      rest = Not(placed)
      waiting_out = And(waiting_in, rest)
    }}>
{ROUNDS_END}"""

ROUNDS = f"""{ROUNDS_BEGIN}
  values, ranks = TopK<axis = -2>(affinity, tokens)
  tokens0 = Squeeze(tokens, first_axis)
  numbers = Range(zero, tokens0, one)
  order = Expand(numbers, slots_shape)
  number_column = Unsqueeze(order, minus_one)
  number_columns = Expand(number_column, shape)
  back = ScatterElements<axis = -2>(ranks, ranks, number_columns)
  best = ReduceMax<keepdims = 0>(affinity, minus_one)
  waiting0 = Greater(best, never)
  left, waiting, taken, slots = Loop(clusters0, , affinity, waiting0, taken0, slots0) <body = round
    (int64 r, bool going, left_in, waiting_in, taken_in, slots_in)
    => (going_out, left_out, waiting_out, taken_out, slots_out) {{
      going_out = Identity(going)
      choice = ArgMax<axis = -1, keepdims = 1>(left_in)
      is_choice = Equal(choice, cluster)
      left_out = Where(is_choice, never, left_in)
      waiting_column = Unsqueeze(waiting_in, minus_one)
      asks = And(is_choice, waiting_column)
      asks_count = Cast<to = 7>(asks)
      queue = GatherElements<axis = -2>(asks_count, ranks)
      sums = CumSum(queue, rows)
      sums_before = Sub(sums, one)
      queue_place = Add(sums_before, taken_in)
      place = GatherElements<axis = -2>(queue_place, back)
      has_room = Less(place, size)
      accepted = And(asks, has_room)
      accepted_count = Cast<to = 7>(accepted)
      own_place = Mul(place, accepted_count)
      token_place = ReduceSum<keepdims = 0>(own_place, minus_one)
      times = ReduceSum<keepdims = 0>(accepted_count, minus_one)
      placed = Cast<to = 9>(times)
      choice_row = Squeeze(choice, minus_one)
      first_slot = Mul(choice_row, size)
      slot = Add(first_slot, token_place)
      slots_out = Where(placed, slot, slots_in)
      joined = ReduceSum(accepted_count, row_axis)
      taken_out = Add(taken_in, joined)
      rest = Not(placed)
      waiting_out = And(waiting_in, rest)
    }}>
{ROUNDS_END}"""


def choose(clustering):
    return CHOOSE.format(constants=CONSTANTS, body=CHOICES["clustering"][clustering])


# rows = tokens[indices], leading dimensions those of tokens
GATHER = f"""GatherTokens (tokens, indices) => (rows) {{
{CONSTANTS}
  lead = Shape<start = 0, end = -2>(tokens)
  features = Shape<start = -1>(tokens)
  clusters = Shape<start = -2>(indices)
  indices_lead = Shape<start = 0, end = -2>(indices)
  size = Shape<start = -1>(indices)
  one_ = Constant<value = int64[1] {{1}}>()
  column_shape = Concat<axis = 0>(indices_lead, minus_one, one_)
  column = Reshape(indices, column_shape)
  places = Max(column, zero)
  count = ReduceProd(clusters)
  wide_shape = Concat<axis = 0>(lead, count, features)
  wide = Expand(places, wide_shape)
  gathered = GatherElements<axis = -2>(tokens, wide)
  is_empty = Less(column, zero)
  nothing = Constant<value = float {{0.0}}>()
  nothing_ = CastLike(nothing, tokens)
  shown = Where(is_empty, nothing_, gathered)
  rows_shape = Concat<axis = 0>(lead, clusters, features)
  rows = Reshape(shown, rows_shape)
}}
"""

SCATTER = f"""ScatterAddTokens <tokens> (rows, indices) => (sums) {{
{CONSTANTS}
  tokens = Constant<value_int: int = @tokens>()
  lead = Shape<start = 0, end = -3>(rows)
  features = Shape<start = -1>(rows)
  indices_lead = Shape<start = 0, end = -2>(indices)
  one_ = Constant<value = int64[1] {{1}}>()
  column_shape = Concat<axis = 0>(indices_lead, minus_one, one_)
  column = Reshape(indices, column_shape)
  is_empty = Less(column, zero)
  places = Where(is_empty, tokens, column)
  flat_shape = Concat<axis = 0>(lead, minus_one, features)
  flat = Reshape(rows, flat_shape)
  wide_shape = Shape(flat)
  wide = Expand(places, wide_shape)
  tokens_ = Unsqueeze(tokens, first_axis)
  room = Add(tokens_, one_)
  sums_shape = Concat<axis = 0>(lead, room, features)
  nothing = Constant<value = float {{0.0}}>()
  nothing_ = CastLike(nothing, rows)
  empty = Expand(nothing_, sums_shape)
  all = ScatterElements<axis = -2, reduction = "add">(empty, wide, flat)
  row_axis = Constant<value = int64[1] {{-2}}>()
  sums = Slice(all, first_axis, tokens_, row_axis)
}}
"""

MEMBERS = f"""ClusterMembers <tokens> (indices) => (members) {{
{CONSTANTS}
  tokens = Constant<value_int: int = @tokens>()
  tokens_ = Unsqueeze(tokens, first_axis)
  lead = Shape<start = 0, end = -2>(indices)
  clusters = Shape<start = -2, end = -1>(indices)
  is_empty = Less(indices, zero)
  places = Where(is_empty, tokens, indices)
  one_ = Constant<value = int64[1] {{1}}>()
  room = Add(tokens_, one_)
  empty_shape = Concat<axis = 0>(lead, clusters, room)
  nothing = Constant<value = float {{0.0}}>()
  mark = Constant<value = float {{1.0}}>()
  empty = Expand(nothing, empty_shape)
  shape = Shape(indices)
  marks = Expand(mark, shape)
  all = ScatterElements<axis = -1>(empty, places, marks)
  kept = Slice(all, first_axis, tokens_, minus_one)
  matrices = Concat<axis = 0>(minus_one, clusters, tokens_)
  flat = Reshape(kept, matrices)
  turned = Transpose<perm = [0, 2, 1]>(flat)
  members_shape = Concat<axis = 0>(lead, tokens_, clusters)
  members = Reshape(turned, members_shape)
}}
"""

CHOICES = {
    "function": {"softmax": SOFTMAX, "laplace": LAPLACE},
    "clustering": {"topk": TOPK, "sa-greedy": GREEDY, "sa-rounds": ROUNDS},
}

# name: (string attribute that chooses the body or None, body's text or what makes it)
BODIES = {
    "Dct": (None, token_map("Dct", "keep", dct_table("table", "size", "keep"))),
    "Idct": (None, token_map("Idct", "tokens", IDCT)),
    "Resample": (None, token_map("Resample", "keep", RESAMPLE)),
    "Pool": (None, token_map("Pool", "keep", POOL)),
    "ClusterAffinity": ("function", affinity),
    "ChooseClusters": ("clustering", choose),
    "GatherTokens": (None, GATHER),
    "ScatterAddTokens": (None, SCATTER),
    "ClusterMembers": (None, MEMBERS),
}


def function_of(name, value=None, overload=""):
    """The FunctionProto `name`; `value` is that of the string attribute that chooses its body, None for the first."""
    chooser, text = BODIES[name]
    if chooser:
        text = text(value or next(iter(CHOICES[chooser])))
    head = f'<domain: "{DOMAIN}", opset_import: ["": {OPSET}]>\n'
    function = onnx.parser.parse_function(head + text)
    function.overload = overload
    return function


def attach(model):
    """Add to `model` the bodies of the operators of domain `weir` that its graph calls."""
    made = {}  # (name, value) -> overload
    for node in model.graph.node:
        if node.domain != DOMAIN:
            continue
        chooser, _ = BODIES[node.op_type]
        value = next((a.s.decode() for a in node.attribute if a.name == chooser), None)
        if (node.op_type, value) not in made:
            several = any(name == node.op_type for name, _ in made)
            made[node.op_type, value] = value if several else ""
        node.overload = made[node.op_type, value]
    model.functions.extend(function_of(name, value, overload) for (name, value), overload in made.items())
    if any(made.values()):
        model.ir_version = max(model.ir_version, 10)  # the first with overloads
    if not any(opset.domain == DOMAIN for opset in model.opset_import):
        model.opset_import.append(onnx.helper.make_opsetid(DOMAIN, VERSION))
    return model
