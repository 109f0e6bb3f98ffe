"""Print every op of the round-trip tests with a result type that it cannot have.

usage: wrong_results.py FOLDER

Each function of FOLDER/roundtrip-*.mlir holds one op whose types are inferred. Its first result becomes a
tensor of another element type, above which the error is announced that the verifier must give.
"""

import pathlib
import re
import sys

FUNCTION = re.compile(r"^func\.func @\w+\(.*?^}\n", re.M | re.S)
# The op's line: everything before the results, then the type of the first one.
OP = re.compile(r"^( *%\S.* = onnx\.\w+ .*\) -> \(?)(tensor<[^>]*>|none)", re.M)
NOT_INFERRED = re.compile(r"onnx\.(NoValue|Constant|Custom)\b(?!OfShape)")
WRONG = "tensor<9x9x9x9x9x9xui16>"
ERROR = "  // expected-error@+1 {{as result 0, but it is of type '" + WRONG + "'}}\n"


def with_wrong_result(function):
    """`function` with its last op of inferred type changed; None when it has none."""
    ops = [op for op in OP.finditer(function) if not NOT_INFERRED.search(op[0])]
    if not ops:
        return None
    op = ops[-1]
    return function[: op.start()] + ERROR + op[1] + WRONG + function[op.end() :]


if __name__ == "__main__":
    texts = [path.read_text() for path in sorted(pathlib.Path(sys.argv[1]).glob("roundtrip-*.mlir"))]
    functions = [function for text in texts for function in FUNCTION.findall(text)]
    changed = [text for text in map(with_wrong_result, functions) if text]
    kept = [text for text in functions if with_wrong_result(text) is None]
    if not changed or not all(NOT_INFERRED.search(text) for text in kept):
        sys.exit(f"an op of {sys.argv[1]} was not recognised")
    print("\n// -----\n\n".join(changed))
