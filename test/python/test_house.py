"""The checks of test/house find what they are for; that the repository passes them is lit's business."""

import pathlib
import re
import shutil
import subprocess
import sys

import pytest
import streams

sys.path.insert(0, str(streams.ROOT / "test" / "house"))
import checks  # noqa: E402
import console  # noqa: E402
import examples  # noqa: E402
import layering  # noqa: E402
import names  # noqa: E402
import proofs  # noqa: E402


def tree(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    "files, fault",
    [
        ({"lib/Analysis/A.cpp": '#include "weir/Transforms/Passes.h"\n'}, "floor 2 includes"),
        ({"lib/Analysis/A.cpp": '#include "weir/Dialect/Onnx/Onnx.h"\n'}, "floor 2 includes"),
        ({"include/weir/Support/S.h": "#include <weir/Analysis/A.h>\n"}, "floor 1 includes"),
        ({"lib/Target/T.cpp": '#include "weir/Transforms/Passes.h.inc"\n'}, "floor 3 includes"),
        ({"include/weir/Dialect/Weir/W.td": 'include "weir/Transforms/P.td"\n'}, "floor 2 includes"),
        (
            {"lib/Dialect/Weir/W.cpp": '#include "../../Transforms/T.h"\n', "lib/Transforms/T.h": ""},
            "floor 2 includes",
        ),
        (
            {"lib/Transforms/T.cpp": '#include "Conversion/C.h"\n', "lib/Conversion/C.h": ""},
            "floor 3 includes",
        ),
        ({"lib/Elsewhere/E.cpp": ""}, "in no room"),
        ({"lib/Pch.h": '#include "weir/Support/S.h"\n'}, "belongs to no room"),
        ({"runtime/R.cpp": '#include "mlir/IR/Value.h"\n'}, "the runtime includes"),
        ({"runtime/R.cpp": '#include "../lib/Support/S.h"\n', "lib/Support/S.h": ""}, "the runtime includes"),
        ({"lib/Support/S.cpp": "static llvm::cl::opt<int> x;\n"}, "declares a command line option"),
        ({"python/weir/nn/a.py": "import weir.rewrite\n"}, "imports weir, which is not for this folder"),
        ({"python/weir/nn/a.py": "def f():\n    from scipy.special import erf\n"}, "imports scipy"),
        ({"python/weir/nn/a.py": "from .. import native\n"}, "imports from outside of its folder"),
    ],
)
def test_layering_finds(tmp_path, files, fault):
    [found] = layering.faults(tree(tmp_path, files))
    assert fault in found


def test_layering_allows_what_points_down(tmp_path):
    files = {
        "lib/Runner/R.cpp": '#include "weir/Transforms/Passes.h"\n#include "weir/Support/S.h"\n#include "Own.h"\n#include <vector>\n',
        "lib/Runner/Own.h": "",
        "lib/Dialect/Onnx/O.cpp": '#include "weir/Dialect/Onnx/O.h"\n#include "mlir/IR/Value.h"\n',
        "lib/Pch.h": '#include "mlir/IR/Value.h"\n',
        "runtime/R.cpp": '#include "Stream.h"\n#include <cstdint>\n',
        "tools/weir-opt/weir-opt.cpp": '#include "weir/Pipelines/P.h"\nstatic cl::opt<int> x;\n',
        "python/weir/nn/a.py": "import json, torch.nn\nfrom onnx import helper\nfrom . import b\n",
    }
    assert layering.faults(tree(tmp_path, files)) == []


def test_every_floor_of_the_conventions_is_known():
    """The table of CONVENTIONS.md names the same rooms on the same floors."""
    plan = (streams.ROOT / "CONVENTIONS.md").read_text().split("## Names")[0]
    rows = [
        [cell.strip() for cell in line.split("|")]
        for line in plan.splitlines()
        if re.match(r"\| [1-4] \|", line)
    ]
    named = {room.rstrip("/"): int(cells[1]) for cells in rows for room in cells[2].replace("`", "").split()}
    assert len(named) >= 9
    assert named.items() <= layering.FLOOR.items()


@pytest.mark.parametrize(
    "text, fault",
    [
        ("// CHECK: x\n", "no RUN line"),
        ("// RUN: weir-opt %s\n// CHECK: x\n", "CHECK lines that no FileCheck reads"),
        (
            "// RUN: weir-opt %s | FileCheck %s --check-prefix=CHECK-A\n// CHECK-A: x\n// CHECK-B: y\n",
            "CHECK-B lines",
        ),
        ("// RUN: weir-opt %s | FileCheck %s\n", "runs FileCheck for CHECK"),
        ("// RUN: weir-opt %s\n// expected-error @+1 {{x}}\n", "without -verify-diagnostics"),
    ],
)
def test_checks_finds(text, fault):
    [found] = checks.faults_of(text)
    assert fault in found


@pytest.mark.parametrize(
    "text",
    [
        "// RUN: weir-opt %s | FileCheck %s\n// CHECK-LABEL: x\n// CHECK-NEXT: y\n",
        "// RUN: weir-opt %s \\\n// RUN:   | FileCheck %s --check-prefixes=CHECK,MORE\n// CHECK: x\n// MORE-SAME: y\n",
        "// RUN: weir-opt %s -split-input-file -verify-diagnostics\n// expected-error @+1 {{x}}\n",
        "RUN: %python x.py\n",
    ],
)
def test_checks_allows(text):
    assert checks.faults_of(text) == []


def test_proofs_finds_a_pass_that_no_test_runs():
    runs = "weir-opt %s --weir-fuse | FileCheck %s\nweir-opt --pass-pipeline='builtin.module(weir-roll{n=1})'"
    assert [*proofs.faults_of_passes({"weir-fuse", "weir-roll"}, runs)] == []
    assert [*proofs.faults_of_passes({"weir-fuse-all", "weir", "roll"}, runs)] == [
        "no lit test runs 'roll'",
        "no lit test runs 'weir'",
        "no lit test runs 'weir-fuse-all'",
    ]


def test_proofs_finds_an_op_that_no_test_holds():
    read_back, refused = "%0 = weir.roll %x\n%1 = weir.ring_push %x", "weir.roll %x"
    assert [*proofs.faults_of_ops({"weir.roll": True, "weir.ring_push": False}, read_back, refused)] == []
    assert [*proofs.faults_of_ops({"weir.ring": True, "weir.ring_push": True}, read_back, refused)] == [
        "no roundtrip.mlir holds 'weir.ring'",
        "no invalid.mlir breaks 'weir.ring'",
        "no invalid.mlir breaks 'weir.ring_push'",
    ]


def test_proofs_knows_the_pipelines():
    assert {"weir-bufferize", "weir-to-cpu"} <= {*proofs.pipelines(streams.ROOT)}


@pytest.mark.parametrize(
    "name, text, fault",
    [
        ("setup.sh", "pip install -i https://pypi" + ".org/simple x", "registry host"),
        ("sources.list", "deb http://deb.debian" + ".org/debian bookworm main", "registry host"),
        ("a.md", "see /wo" + "rk/me/x", "path of one machine"),
        ("a.cpp", "// TO" + "DO: later", "to-do"),
    ],
)
def test_names_finds(name, text, fault):
    [found] = names.faults_of(pathlib.Path(name), text)
    assert fault in found


def test_names_reads_files_not_yet_committed(tmp_path):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    tree(tmp_path, {"a.txt": "", "b/c.txt": "", "ignored.txt": "", ".gitignore": "ignored.txt\n"})
    assert {path.name for path in names.committed(tmp_path)} == {"a.txt", "c.txt", ".gitignore"}


needs_weir_opt = pytest.mark.usefixtures("weir_opt_on_path")


@pytest.fixture
def weir_opt_on_path(monkeypatch):
    llvm = pathlib.Path("/usr/lib/llvm-22/bin")
    tblgen = shutil.which("llvm-tblgen") or str(llvm / "llvm-tblgen")
    folders = [str(streams.WEIR_OPT.parent), str(pathlib.Path(tblgen).parent)]
    monkeypatch.setenv("PATH", ":".join([*folders, "/usr/bin", "/bin"]))


@needs_weir_opt
def test_examples_learn_the_types_of_open_operands():
    op = (
        "%y = arith.addf %a, %b : tensor<2x3xf32>\n%z = tensor.cast %y : tensor<2x3xf32> to tensor<?x3xf32>\n"
    )
    assert examples.fault_of(op) == ""


@needs_weir_opt
@pytest.mark.parametrize(
    "example, fault",
    [
        ("%y = arith.addf %a, %b tensor<2xf32>", "expected ':'"),
        ("%y = arith.addf %a, %a : tensor<2xi32>", "must be"),
        ("%y = weir.no_such_op %a : tensor<2xi32>", "no_such_op"),
        (
            "func.func @f(%x: tensor<2xf32>) -> tensor<3xf32> { return %x : tensor<2xf32> }",
            "doesn't match function result type",
        ),
        (
            "%y = tensor.cast %x : tensor<2xf32> to tensor<2xf32>\n%z = arith.negf %x : tensor<3xf32>",
            "expects different type",
        ),
    ],
)
def test_examples_that_are_wrong_are_found(example, fault):
    assert fault in examples.fault_of(example)


@needs_weir_opt
def test_examples_come_from_pages_and_composed_descriptions(tmp_path):
    table = """class Doc<string op> { string description = "Text.\\n```mlir\\n%y = " # op # " %x : f32\\n```\\n"; }
def One : Doc<"arith.negf">;
"""
    page = "```mlir\n%y = arith.negf %x : f32\n// ==>\n%y = arith.absf %x : f32\n```\n```cpp\nint x;\n```\n"
    tree(tmp_path, {"include/D.td": table, "docs/page.md": page})
    found = [*examples.markdown_examples(tmp_path), *examples.table_examples(tmp_path)]
    assert [where for where, _ in found] == ["docs/page.md", "docs/page.md", "include/D.td: One"]
    assert [text.split()[2] for _, text in found[1:]] == ["arith.absf", "arith.negf"]


@pytest.mark.parametrize(
    "expected, printed",
    [
        ("a\n", "a\n"),
        ("a b\n", "a b  \n\n"),
        ("a\n...\nd\n", "a\nb\nc\nd\n"),
        ("a\n...\n", "a\n"),
        ("took ... us, ok\n", "took 12.5 us, ok\n"),
        ("", ""),
    ],
)
def test_console_accepts(expected, printed):
    assert console.shows(expected, printed)


@pytest.mark.parametrize("expected, printed", [("a\n", "b\n"), ("a\n", "a\nb\n"), ("a ... c\n", "a\nb c\n"), ("", "a\n"), ("a.c\n", "abc\n")])
def test_console_finds(expected, printed):
    assert not console.shows(expected, printed)


def test_console_runs_the_blocks_of_a_page_in_one_folder(tmp_path):
    page = "```console\n$ cat given.txt\ngiven\n$ echo made \\\n  >made.txt\n```\n```console\n$ cat made.txt\nwrong\n```\n"
    tree(tmp_path, {"README.md": page, "given.txt": "given\n"})
    [fault] = console.faults_of(tmp_path / "README.md", tmp_path)
    assert "$ cat made.txt" in fault and "made" in fault
    assert not (tmp_path / "made.txt").exists()
