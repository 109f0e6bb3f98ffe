"""What the fuzzers of encoders share: their command line, their processes, counts by reason."""

import argparse
import concurrent.futures
import contextlib
import pathlib
import tempfile


def make_parser(description, seeds):
    """The options of every fuzzer; `seeds` when none are given."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--seeds", default=seeds, help="FIRST:END")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--keep", type=pathlib.Path, help="leave the models in this folder")
    return parser


def parse(parser):
    """The arguments, seeds as a range that is not empty."""
    arguments = parser.parse_args()
    text, arguments.seeds = arguments.seeds, range(*map(int, arguments.seeds.split(":")))
    if not arguments.seeds:
        parser.error(f"no seeds in {text}")
    return arguments


@contextlib.contextmanager
def model_folder(keep):
    """The folder to keep models in, or one that goes away."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = keep or pathlib.Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        yield folder


def run_batches(results_of, seeds, jobs, size, report):
    """What `results_of` tells of batches of `size` seeds, in order; `report` is given each as it comes."""
    batches = [seeds[first : first + size] for first in range(0, len(seeds), size)]
    results = []
    with concurrent.futures.ProcessPoolExecutor(jobs) as pool:
        for batch in pool.map(results_of, batches):
            for one in batch:
                report(one)
                results.append(one)
    return results


def print_reasons(verb, seeds_by_reason):
    """The reason that most seeds have comes first."""
    for reason, seeds in sorted(seeds_by_reason.items(), key=lambda item: -len(item[1])):
        print(f"{verb} {len(seeds)} x {reason} (seeds {', '.join(map(str, seeds[:5]))})")
