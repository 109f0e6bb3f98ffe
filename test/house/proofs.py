"""Fail on a pass that no lit test runs, and on an op that is not read back or whose verifier is not tested.

usage: proofs.py ROOT     (llvm-tblgen and llvm-config on the PATH)
"""

import json
import pathlib
import re
import subprocess
import sys

from checks import RUN, tests
from examples import mlir_includes

PIPELINE = re.compile(r'PassPipelineRegistration<[^;(]*?>\s*\(\s*"([\w-]+)"')


def records(root):
    """All TableGen records of the repository's files, those of included ones as well."""
    found = {}
    for path in sorted((root / "include").rglob("*.td")):
        command = ["llvm-tblgen", "--dump-json", "-I", root / "include", "-I", path.parent, *mlir_includes(), path]
        table = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        for kind in ("Op", "PassBase"):
            for name in table["!instanceof"].get(kind, []):
                found.setdefault(kind, {})[name] = table[name]
    return found


def pipelines(root):
    return [name for path in sorted((root / "lib").rglob("*.cpp")) for name in PIPELINE.findall(path.read_text())]


def faults_of_passes(flags, runs):
    """The flags that no RUN line names."""
    for flag in sorted(flags):
        if not re.search(rf"(?<![\w-])-{{0,2}}{re.escape(flag)}(?![\w-])", runs):
            yield f"no lit test runs '{flag}'"


def faults_of_ops(ops, read_back, refused):
    """`ops`: {name: has it a verifier?}; the texts are those of the tests that print and that refuse."""
    for name, has_verifier in sorted(ops.items()):
        named = re.compile(rf"(?<![\w.]){re.escape(name)}(?!\w)")
        if not named.search(read_back):
            yield f"no roundtrip.mlir holds '{name}'"
        if has_verifier and not named.search(refused):
            yield f"no invalid.mlir breaks '{name}'"


def texts(root, pattern):
    return "\n".join(path.read_text() for path in sorted((root / "test" / "Dialect").rglob(pattern)))


if __name__ == "__main__":
    root = pathlib.Path(sys.argv[1]).resolve()
    found = records(root)
    flags = {record["argument"] for record in found["PassBase"].values()} | {*pipelines(root)}
    runs = "\n".join(line for path in tests(root) for line in RUN.findall(path.read_text()))
    ops = {f"{record['opDialect']['def'].split('_')[0].lower()}.{record['opName']}": bool(record["hasVerifier"]) for record in found["Op"].values()}
    # wrong-results.test refuses every onnx op that is read back.
    refused = texts(root, "invalid*.mlir") + texts(root, "roundtrip-*.mlir")
    faults = [*faults_of_passes(flags, runs), *faults_of_ops(ops, texts(root, "roundtrip*.mlir"), refused)]
    print("\n".join(faults) or f"{len(flags)} passes and {len(ops)} ops are tested")
    sys.exit(bool(faults))
