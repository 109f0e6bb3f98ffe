"""Stream every model of the survey and write docs/models.md, or say where the page is stale.

usage: survey.py [--full] [--check] [--only TEXT] [--keep] [--folder FOLDER]

Without --full the models kept in the repository; the page then keeps its other sections as they are. --full also
exports models from PyTorch, which takes dependencies/python-export.txt and python-full.txt. --only: models whose
name holds TEXT, shown and not written. --keep: write the models of test/models/exported
instead. --folder: where exports are kept, and taken from when run again.
"""

import argparse
import concurrent.futures
import pathlib
import sys
import tempfile
import traceback

import page
import row
from kept import keep, kept_sections

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "models.md"
COMMAND = "build/venv/bin/python test/survey/survey.py --full"


def rows_of(cases):
    """Rows in the order of `cases`, two at a time; and what went wrong, in words."""

    def attempt(case):
        try:
            return row.row_of(case), None
        except Exception as wrong:  # one model must not hide the others
            return None, f"{case.name}: {wrong or traceback.format_exc()}"

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        found = list(pool.map(attempt, cases))
    return [one for one, _ in found if one], [fault for _, fault in found if fault]


def survey(sections):
    """([(title, text, rows)], faults)."""
    done, faults = [], []
    for title, text, cases in sections:
        rows, wrong = rows_of(cases)
        done.append((title, text, rows))
        faults += wrong
    return done, faults


def all_sections(full, only, folder):
    sections = kept_sections()
    if full:
        from exported import exported_sections
        from optimized import optimized_section

        sections.append(optimized_section([case for _, _, cases in sections for case in cases], folder))
        sections += exported_sections(folder, only)
    if only:
        sections = [(t, text, [case for case in cases if only in case.name]) for t, text, cases in sections]
    return [section for section in sections if section[2]]


def with_old_sections(text, fresh):
    """`fresh` and, behind them, the sections of the page that were not made again."""
    old = page.sections(text)
    return fresh + [section for section in old if section[0] not in {title for title, _, _ in fresh}]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="export models from PyTorch too")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where the page is stale")
    parser.add_argument("--only", default="", help="show the rows of models whose name holds this")
    parser.add_argument("--keep", action="store_true", help="write the models of test/models/exported")
    parser.add_argument("--folder", type=pathlib.Path, help="keep exports here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or pathlib.Path(temporary)
        folder.mkdir(exist_ok=True)
        if arguments.keep:
            from exported import cases_to_keep

            return keep(cases_to_keep(folder))
        sections, faults = survey(all_sections(arguments.full, arguments.only, folder))
    old = PAGE.read_text() if PAGE.exists() else ""
    if arguments.only:
        print(page.table([one for _, _, rows in sections for one in rows]))
    elif arguments.check:
        titles = {title for title, _, _ in sections}
        stated = page.keyed(section for section in page.sections(old) if section[0] in titles)
        faults += page.changes(page.keyed(sections), stated)
    elif not faults:
        PAGE.write_text(page.write(with_old_sections(old, sections), COMMAND))
    print(*faults, sep="\n", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
