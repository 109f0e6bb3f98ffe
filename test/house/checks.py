"""Fail on a lit test that checks nothing.

usage: checks.py ROOT

A file with CHECK lines must pipe into FileCheck, one with expected-... comments must ask for their
verification, and every test must have a RUN line.
"""

import pathlib
import re
import sys

RUN = re.compile(r"RUN:\s*(.*?)\s*$", re.M)
CHECK = re.compile(
    r"^\s*(?://|#|;)\s*([A-Z][A-Z0-9_-]*?)(?:-(?:NEXT|SAME|NOT|DAG|LABEL|EMPTY|COUNT-\d+))?(?:\{[A-Z]+\})?:\s",
    re.M,
)
PREFIX = re.compile(r"--?check-prefix(?:es)?[= ](\S+)")
EXPECTED = re.compile(r"//\s*expected-(error|warning|remark|note)")
NOT_CHECKS = {"RUN", "REQUIRES", "UNSUPPORTED", "XFAIL", "ALLOW_RETRIES", "DEFINE", "REDEFINE", "END", "NOTE"}
EXCLUDED = {"python", "fuzz", "unit", "models", "house", "Inputs"}


def faults_of(text):
    """What is wrong with a lit test of this content."""
    # A command may go on over several lines.
    runs = "\n".join(RUN.findall(text)).replace("\\\n", " ")
    if not runs:
        return ["has no RUN line"]
    found = []
    asked = {prefix for names in PREFIX.findall(runs) for prefix in names.strip("'\"").split(",")}
    if any("FileCheck" in line and not PREFIX.search(line) for line in runs.split("\n")):
        asked.add("CHECK")
    for prefix in sorted({prefix for prefix in CHECK.findall(text)} - NOT_CHECKS):
        if prefix not in asked and (prefix.startswith("CHECK") or prefix in {"ERROR", "WARNING"}):
            found.append(f"has {prefix} lines that no FileCheck reads")
    for prefix in sorted(asked):
        if prefix not in set(CHECK.findall(text)) and "FileCheck %s" in runs:
            found.append(f"runs FileCheck for {prefix}, which has no lines")
    if EXPECTED.search(text) and not re.search(r"--?verify-diagnostics", runs):
        found.append("has expected-... comments without -verify-diagnostics")
    return found


def tests(root):
    folder = root / "test"
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix in {".mlir", ".test"} and not EXCLUDED & {*path.relative_to(folder).parts[:-1]}
    )


if __name__ == "__main__":
    root = pathlib.Path(sys.argv[1]).resolve()
    files = tests(root)
    if not files:
        sys.exit(f"no lit tests below {root}/test")
    found = [f"{file.relative_to(root)}: {fault}" for file in files for fault in faults_of(file.read_text())]
    print("\n".join(found) or f"{len(files)} lit tests check something")
    sys.exit(bool(found))
