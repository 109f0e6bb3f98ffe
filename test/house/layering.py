"""Fail on an #include that points up the floors of CONVENTIONS.md, or to a neighbour on the same floor.

usage: layering.py ROOT

A room is a folder below lib/ and include/weir/; its floor decides what it may include. runtime/ knows
neither MLIR nor any room, and only tools/ declares command line options. Python packages import their own folder,
the standard library and what PYTHON names.
"""

import ast
import pathlib
import re
import sys

FLOORS = [
    ["Support", "Interfaces"],
    ["Dialect/Onnx", "Dialect/Weir", "Dialect/External", "Analysis"],
    ["Transforms", "Conversion", "Target"],
    ["Pipelines"],
    ["Runner"],
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS, start=1) for room in rooms}
INCLUDE = re.compile(r'^\s*#?\s*include\s+["<]([^">]+)[">]', re.M)
OPTION = re.compile(r"\bcl::(opt|list|bits|alias)\b")
PYTHON = {"weir/nn": {"torch", "numpy", "onnx", "onnxscript"}}  # the last comes with PyTorch's exporter
SOURCES = {".h", ".hpp", ".c", ".cc", ".cpp", ".td", ".inc", ".cu"}


def room_of(path):
    """The room whose folder holds `path`, which is relative to lib/ or include/weir/; None if none does."""
    return next((room for room in FLOOR if path.is_relative_to(room)), None)


def target_of(file, name, root):
    """What `file` means by including `name`: ("room", path), ("host", name) of a library, or ("own", path)."""
    if name.startswith("weir/"):
        return "room", pathlib.Path(name).relative_to("weir")
    beside = (file.parent / name).resolve()
    for base in (root / "lib", root / "include" / "weir"):
        if beside.exists() and beside.is_relative_to(base):
            return "room", beside.relative_to(base)
    if (root / "lib" / name).exists():
        return "room", pathlib.Path(name)
    return ("own", beside) if beside.exists() else ("host", name)


def sources(folder):
    return sorted(path for path in folder.rglob("*") if path.suffix in SOURCES)


def faults_of_room(file, base, root):
    mine = room_of(file.relative_to(base))
    where = f"{file.relative_to(root)}: "
    if mine is None and len(file.relative_to(base).parts) > 1:
        yield where + "is in no room of CONVENTIONS.md"
    for name in INCLUDE.findall(file.read_text(errors="replace")):
        kind, target = target_of(file, name, root)
        theirs = room_of(target) if kind == "room" else None
        if theirs is None or theirs == mine:
            continue
        if mine is None:
            yield where + f"belongs to no room, but includes {name} of {theirs}"
        elif FLOOR[theirs] >= FLOOR[mine]:
            yield (
                where + f"{mine} on floor {FLOOR[mine]} includes {name} of {theirs} on floor {FLOOR[theirs]}"
            )


def faults_of_runtime(file, root):
    for name in INCLUDE.findall(file.read_text(errors="replace")):
        kind, _ = target_of(file, name, root)
        if kind == "room" or name.startswith(("mlir/", "mlir-c/", "llvm/", "llvm-c/")):
            yield f"{file.relative_to(root)}: the runtime includes {name}: it knows neither MLIR nor lib/"


def faults_of_python(file, allowed, root):
    for node in ast.walk(ast.parse(file.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module] if node.level == 0 else []
            if node.level > 1:
                yield f"{file.relative_to(root)}: imports from outside of its folder"
        for name in names:
            top = name.partition(".")[0]
            if top not in allowed and top not in sys.stdlib_module_names:
                yield f"{file.relative_to(root)}: imports {top}, which is not for this folder"


def faults(root):
    found = []
    for folder, allowed in PYTHON.items():
        for file in sorted((root / "python" / folder).rglob("*.py")):
            found += faults_of_python(file, allowed, root)
    for base in (root / "lib", root / "include" / "weir"):
        for file in sources(base):
            found += faults_of_room(file, base, root)
    for file in sources(root / "runtime"):
        found += faults_of_runtime(file, root)
    for folder in ("lib", "include", "runtime"):
        for file in sources(root / folder):
            if OPTION.search(file.read_text(errors="replace")):
                found.append(f"{file.relative_to(root)}: declares a command line option: only tools/ does")
    return found


if __name__ == "__main__":
    root = pathlib.Path(sys.argv[1]).resolve()
    if not sources(root / "lib"):
        sys.exit(f"no sources below {root}/lib")
    found = faults(root)
    print("\n".join(found) or "every include points down")
    sys.exit(bool(found))
