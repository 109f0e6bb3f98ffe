"""Writes the models of a test: write_models.py FOLDER

Every FOLDER/NAME.txt holds a model in ONNX's own textual syntax (and comments: lines that start
with #) and becomes FOLDER/NAME.onnx. Nothing is checked, so that a test can hold what a checker
would refuse.
"""

import pathlib
import sys

import onnx.parser

for source in sorted(pathlib.Path(sys.argv[1]).glob("*.txt")):
    lines = [line for line in source.read_text().splitlines() if not line.startswith("#")]
    model = onnx.parser.parse_model("\n".join(lines))
    source.with_suffix(".onnx").write_bytes(model.SerializeToString())
