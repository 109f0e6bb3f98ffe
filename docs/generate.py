"""Write docs/reference from the TableGen files, or check that it is up to date.

usage: generate.py [--check]     (mlir-tblgen is on the PATH or in /usr/lib/llvm-22/bin)

`ninja -C build weir-docs` does the same.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
INCLUDE = ROOT / "include"
REFERENCE = ROOT / "docs" / "reference"
LLVM = "/usr/lib/llvm-22/bin"
MARK = "<!-- Generated from the TableGen files by docs/generate.py: change those. -->\n"

DIALECTS = {"onnx": "weir/Dialect/Onnx/OnnxOps.td", "weir": "weir/Dialect/Weir/WeirOps.td"}
PASSES = """
# Passes

All of them run in `weir-opt`, and with the plugin in `mlir-opt`. What a pipeline is made of is told in
[architecture.md](../architecture.md).
"""


def find_tblgen():
    found = shutil.which("mlir-tblgen") or shutil.which("mlir-tblgen", path=LLVM)
    return pathlib.Path(found).resolve() if found else sys.exit(f"error: mlir-tblgen is not on the PATH and not in {LLVM}")


def table_text(file, *generator):
    """What mlir-tblgen makes of `file`, without its own heading line."""
    tblgen = find_tblgen()
    headers = tblgen.parents[1] / "include"
    command = [tblgen, *generator, "-I", INCLUDE, "-I", headers, INCLUDE / file]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n", 1)[1]


def tidy(text):
    """Markdown that reads well: constraints as a list, no table-of-contents marker, single blank lines."""
    text = text.replace("[TOC]\n", "")
    text = re.sub(r"^(C\d+): ", r"- **\1** ", text, flags=re.M)
    text = re.sub(r"[ \t]+$", "", text, flags=re.M)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def pages():
    """{file name: text}"""
    made = {f"{name}-dialect.md": table_text(file, "-gen-dialect-doc", f"-dialect={name}") for name, file in DIALECTS.items()}
    folders = sorted(path.relative_to(INCLUDE) for path in INCLUDE.rglob("Passes.td"))
    parts = [f"## {file.parent.name}\n" + table_text(file, "-gen-pass-doc") for file in folders]
    made["passes.md"] = PASSES + "\n" + "\n".join(parts)
    return {name: MARK + "\n" + tidy(text) for name, text in made.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only tell whether the pages are up to date")
    arguments = parser.parse_args()
    stale = []
    for name, text in pages().items():
        path = REFERENCE / name
        if path.exists() and path.read_text() == text:
            continue
        stale.append(name)
        if not arguments.check:
            REFERENCE.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    if arguments.check and stale:
        sys.exit(f"error: docs/reference is stale: {', '.join(stale)}\nhelp: run 'ninja -C build weir-docs'")
    print(f"written: {', '.join(stale)}" if stale else "docs/reference is up to date")


if __name__ == "__main__":
    main()
