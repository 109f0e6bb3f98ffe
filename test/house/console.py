"""Run every ```console block of the Markdown pages and compare what it prints with what the page says.

usage: console.py ROOT     (the tools on the PATH; `python` is the one that runs this)

A block is commands (`$ ...`, a trailing backslash goes on) and their output, standard error included. The
blocks of a page run one after the other in a folder of their own, with the repository's files by their
paths. In the output, a line `...` stands for any lines, and `...` in a line for any text.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

BLOCK = re.compile(r"^```console\n(.*?)^```", re.M | re.S)
COMMAND = re.compile(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", re.M)
TIME_LIMIT = 300  # seconds, of one command


def pattern_of(expected):
    """A regular expression for the output that a page shows."""
    lines = [".*?" if line.strip() == "..." else r"[^\n]*".join(map(re.escape, line.split("..."))) + "\n" for line in expected.splitlines()]
    return re.compile("".join(lines), re.S)


def shows(expected, printed):
    strip = lambda text: "".join(line.rstrip() + "\n" for line in text.strip().splitlines())
    return pattern_of(strip(expected)).fullmatch(strip(printed)) is not None


def faults_of(page, root):
    environment = dict(os.environ, PATH=os.pathsep.join([str(pathlib.Path(sys.executable).parent), os.environ["PATH"]]))
    with tempfile.TemporaryDirectory() as folder:
        for entry in root.iterdir():
            if not entry.name.startswith((".", "build")):
                pathlib.Path(folder, entry.name).symlink_to(entry)
        for block in BLOCK.findall(page.read_text()):
            for command, expected in COMMAND.findall(block):
                result = subprocess.run(
                    command, shell=True, cwd=folder, env=environment, text=True,
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIME_LIMIT,
                )  # fmt: skip
                if not shows(expected, result.stdout):
                    yield f"{page.relative_to(root)}: $ {command}\n{result.stdout}"


if __name__ == "__main__":
    root = pathlib.Path(sys.argv[1]).resolve()
    pages = [root / "README.md", *sorted((root / "docs").rglob("*.md"))]
    found = [fault for page in pages for fault in faults_of(page, root)]
    print("\n".join(found) or "every page shows what its commands print")
    sys.exit(bool(found))
