"""docs/models.md: written from rows, and read back to be held against fresh ones."""

import re

from row import COLUMNS, MEASURED

HEADER = """# Models

What Weir does to exported encoders: one row a model, written by

```
{command}
```

Each model streams 4n + 3 random tokens through `weir-run --verify --verify-slides --explain=json`, and every step is
compared with onnxruntime on the original file over the full window that it stands for. A row exists only where no
value was wrongly claimed to slide and the largest difference is at most 2e-5 of the largest output. All models but
all-MiniLM-L6-v2 are tiny and have random weights, since what a test needs is the graph: so the last column says which
form a model takes, not what a large one saves.

The packages that the command takes are those of `./dev test --full`, which holds every row against a fresh export;
`./dev test` holds those of the kept models. A model's name ends with its route: exporter and opset, the implementation
of attention, and whether sizes were left open or the batch is larger than one.

- *rows*: the rows of the outputs that a step gives, `--rows`.
- *positions*: `exact` where the model adds a table of absolute positions and was given `--positions=exact`.
- *attentions*: for each attention, in order: `rows R`, queries of those rows only; `retroactive`, updated by the keys
  that come and go; `regular`, all rows computed again. `none`: no softmax over tokens was found.
- *computed again because of*: the nodes behind which tokens are computed again, by operator and reason. For a refused
  model: the message.
- *window / step*: multiply-accumulates of a window over those of a step.
"""


def table(rows):
    lines = ["| " + " | ".join(COLUMNS.values()) + " |", "|" + "---|" * len(COLUMNS)]
    for row in rows:
        lines.append("| " + " | ".join(row[column].replace("|", "\\|") for column in COLUMNS) + " |")
    return "\n".join(lines)


def write(sections, command):
    """The page; `sections` is [(title, what it holds, rows)]."""
    rows = [row for _, _, found in sections for row in found]
    refused = sum(row["attentions"] == "refused" for row in rows)
    parts = [HEADER.format(command=command), f"{len(rows)} models, {refused} of them refused.\n"]
    for title, text, found in sections:
        parts.append(f"## {title}\n\n{text}\n\n{table(found)}\n")
    return "\n".join(parts)


def rows_of(lines):
    """The rows of the table in `lines`."""
    cells = [
        [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines
    ]
    rows = [dict(zip(COLUMNS, found)) for found in cells if len(found) == len(COLUMNS)]
    return rows[2:]  # behind the heading and its rule


def sections(text):
    """[(title, what it holds, rows)] of a page."""
    found = []
    for part in text.split("\n## ")[1:]:
        title, *lines = part.splitlines()
        words = [line for line in lines if line and not line.startswith("|")]
        found.append((title, "\n".join(words), rows_of(lines)))
    return found


def keyed(sections):
    """{(section, model, rows): row}."""
    return {(title, row["model"], row["rows"]): row for title, _, rows in sections for row in rows}


def changes(fresh, page):
    """How `fresh` rows differ from those of the page, in words; measured columns are not compared."""
    words = []
    for key in [*fresh, *(key for key in page if key not in fresh)]:
        if key not in page or key not in fresh:
            words.append(f"{' / '.join(key)}: " + ("not on the page" if key in fresh else "on the page only"))
            continue
        words += [
            f"{' / '.join(key)}: {COLUMNS[column]} is '{fresh[key][column]}', the page says '{page[key][column]}'"
            for column in COLUMNS
            if column not in MEASURED and fresh[key][column] != page[key][column]
        ]
    return words
