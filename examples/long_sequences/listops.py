"""ListOps, generated: nested MIN, MAX, MED (median) and SM (sum modulo 10) of digits; the class is the value.

    [SM 4 [MAX 1 7 2 ] 9 ]  ->  0

After Nangia and Bowman (NAACL 2018) and Long Range Arena (ICLR 2021), at lengths that train in minutes. Sequences are
padded to one length with a token of its own, which the model learns to overlook.
"""

import numpy as np

CLASSES = 10
PADDING, CLOSE, DIGIT = 0, 5, 6
OPERATORS = {
    1: min,
    2: max,
    3: lambda values: sorted(values)[len(values) // 2],
    4: lambda values: sum(values) % 10,
}
VOCABULARY = DIGIT + 10


def expression(rng, depth, arguments):
    """(ids, value) of an expression nested at most `depth` deep."""
    operator = int(rng.integers(1, 5))
    ids, values = [operator], []
    for _ in range(rng.integers(2, arguments + 1)):
        if depth > 1 and rng.random() < 0.4:
            inner, value = expression(rng, depth - 1, arguments)
        else:
            value = int(rng.integers(10))
            inner = [DIGIT + value]
        ids += inner
        values.append(value)
    return [*ids, CLOSE], OPERATORS[operator](values)


def sample(count, tokens, seed, depth=2, arguments=9):
    """ids [count, tokens] int64 of expressions longer than a third of that, and their values [count]."""
    rng = np.random.default_rng(seed)
    ids, values = np.full((count, tokens), PADDING, np.int64), np.zeros(count, np.int64)
    for i in range(count):
        found = []
        while not tokens // 3 < len(found) <= tokens:
            found, values[i] = expression(rng, depth, arguments)
        ids[i, : len(found)] = found
    return ids, values
