"""Parse and verify every example: ```mlir blocks of the Markdown pages and of TableGen descriptions.

usage: examples.py ROOT     (weir-opt and llvm-tblgen on the PATH)

An example of one op leaves its operands open:

    %s = weir.roll %w, %t {...} : tensor<8x4xf32>

It is put into a function with those parameters. Their types are learned from weir-opt, which says for each
parameter of a wrong type which one the op wants. A line with ==> separates before from after.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

FENCE = re.compile(r"^[ \t]*```mlir[ \t]*\n(.*?)^[ \t]*```", re.M | re.S)
ARROW = re.compile(r"^.*==>.*$", re.M)
WRONG_TYPE = re.compile(r"use of value '%(\w+)' expects different type than prior uses: '(.*?)' vs '")
DEFINED = re.compile(r"^\s*(%\w+(?:\s*,\s*%\w+)*)(?::\d+)?\s*=", re.M)
ROUNDS = 20  # operands of one example, at most


def blocks(text):
    """The MLIR pieces of `text`."""
    return [piece for block in FENCE.findall(text) for piece in ARROW.split(block) if piece.strip()]


def markdown_examples(root):
    for path in sorted(root.rglob("*.md")):
        # CONVENTIONS.md shows what a test looks like, on an op that is only alike; docs/reference repeats the
        # descriptions.
        inside = path.relative_to(root)
        if path.name != "CONVENTIONS.md" and not inside.parts[0].startswith("build") and inside.parts[:2] != ("docs", "reference"):
            yield from ((str(path.relative_to(root)), piece) for piece in blocks(path.read_text()))


def table_examples(root):
    """TableGen composes descriptions, so the records are asked and not the text of the file."""
    files = [path for top in ("include", "lib") for path in sorted((root / top).rglob("*.td"))]
    seen = set()
    for path in files:
        command = [
            "llvm-tblgen",
            "--dump-json",
            "-I",
            str(root / "include"),
            "-I",
            str(path.parent),
            *mlir_includes(),
            str(path),
        ]
        records = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        for name, record in records.items():
            text = record.get("description") if isinstance(record, dict) else None
            if isinstance(text, str) and "```mlir" in text and name not in seen:
                seen.add(name)
                yield from ((f"{path.relative_to(root)}: {name}", piece) for piece in blocks(text))


def mlir_includes():
    found = subprocess.run(
        ["llvm-config", "--includedir"], capture_output=True, text=True, check=True
    ).stdout.strip()
    return ["-I", found]


def accepted(source):
    """What weir-opt says about `source`: "" when it parses and verifies."""
    with tempfile.NamedTemporaryFile("w", suffix=".mlir") as file:
        file.write(source)
        file.flush()
        result = subprocess.run(["weir-opt", file.name, "-o", "/dev/null"], capture_output=True, text=True)
    return "" if result.returncode == 0 else result.stderr or f"exit code {result.returncode}"


def fault_of(example):
    """What is wrong with `example`, or ""."""
    if re.search(r"\b(func\.func|module)\b", example):
        return accepted(example)
    defined = {name for names in DEFINED.findall(example) for name in re.findall(r"%\w+", names)}
    free = list(dict.fromkeys(name for name in re.findall(r"%\w+", example) if name not in defined))
    types = {name[1:]: "none" for name in free}
    said = ""
    for _ in range(ROUNDS):
        parameters = ", ".join(f"%{name}: {kind}" for name, kind in types.items())
        said = accepted(f"func.func @example({parameters}) {{\n{example}\n  return\n}}\n")
        wrong = WRONG_TYPE.search(said)
        if not wrong or types.get(wrong[1]) != "none":
            break
        types[wrong[1]] = wrong[2]
    return said


if __name__ == "__main__":
    root = pathlib.Path(sys.argv[1]).resolve()
    count, found = 0, []
    for where, example in [*markdown_examples(root), *table_examples(root)]:
        count += 1
        said = fault_of(example)
        if said:
            found.append(f"{where}:\n{example.rstrip()}\n{said.strip()}\n")
    if not count:
        found.append(f"no examples below {root}")
    print("\n".join(found) or f"{count} examples parse and verify")
    sys.exit(bool(found))
