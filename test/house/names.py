"""Fail on a committed file that names a registry's host or a path of one machine, or leaves a to-do.

usage: names.py ROOT
"""

import pathlib
import re
import subprocess
import sys

# Written in pieces so that this file does not name them.
HOSTS = [
    "pypi" r"\.org", "pythonhosted" r"\.org", "(deb|security|snapshot)" r"\.debian\.org",
    "apt" r"\.llvm\.org", "npmjs" r"\.(org|com)", "crates" r"\.io", "huggingface" r"\.co",
    "anaconda" r"\.org", "proxy" r"\.golang\.org",
]  # fmt: skip
PATHS = [r"(?<![\w/.])/" "(root|home|work)" r"/\w"]
FORBIDDEN = {
    "names a registry host": re.compile("|".join(HOSTS), re.I),
    "names a path of one machine": re.compile("|".join(PATHS)),
}
TO_DO = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX)\b")
CODE = {".h", ".cpp", ".td", ".py", ".mlir", ".test", ".cmake", ".sh", ".c", ".cu"}


def committed(root):
    """The files under version control and those about to be."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [root / name for name in listed.split("\0") if name and (root / name).is_file()]


def faults_of(path, text):
    found = [fault for fault, pattern in FORBIDDEN.items() if pattern.search(text)]
    if path.suffix in CODE and TO_DO.search(text):
        found.append("leaves a to-do: refuse with a message and list it in docs/roadmap.md")
    return found


if __name__ == "__main__":
    root = pathlib.Path(sys.argv[1]).resolve()
    # Models keep text of their exporter, so bytes that are no UTF-8 are read as well.
    found = [
        f"{p.relative_to(root)}: {fault}"
        for p in committed(root)
        for fault in faults_of(p, p.read_text(errors="replace"))
    ]
    print("\n".join(found) or "no file names what it must not")
    sys.exit(bool(found))
