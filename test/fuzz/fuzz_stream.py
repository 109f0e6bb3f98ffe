"""Stream random encoders of causal bands and hold every step against onnxruntime on the whole prefix.

usage: fuzz_stream.py --seeds FIRST:END [--jobs N] [--keep FOLDER]

Half of the seeds say --semantics=stream. The others take the mask away and say --semantics=deep: the reference is the
model whose mask is the band that a window holds. Every prefix has a model of its own, of the same weights.
"""

import concurrent.futures
import dataclasses
import pathlib
import random
import sys

import numpy as np
import onnx
import driver
import random_encoder

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "python"))
import streams  # noqa: E402

STRIDE_OF = {"strided": 2, "patch": 2, "view": 2}


def sample(seed):
    """(semantics, configuration of the window, how many rows back the attentions of the reference see)."""
    r, c = random.Random(~seed), random_encoder.sample(seed)
    front = r.choice([None, None, None, "causal", *STRIDE_OF]) if c.source in ("float", "added") else None
    stride = STRIDE_OF.get(front, 1)
    n = r.choice([6, 8, 12, 16] if front else [4, 6, 8, 12, 16])  # a convolution has to find rows that stay
    chunk = r.choice([k for k in range(stride, n // 2 + 1, stride) if n % k == 0 and (not front or n - k >= 4)] or [stride])
    rows, new = n // stride, chunk // stride
    semantics = r.choice(["stream", "deep"])
    back = rows - new if semantics == "deep" else r.randint(0, max(0, min(rows - 2, rows - new)))
    config = dataclasses.replace(
        c,
        window=n,
        chunk=chunk,
        symbolic=None,
        padding=None,
        front=front,
        positions=None,
        treatment=None,
        lead=0,
        tail=0,
        block="pre" if c.block == "conformer" else c.block,
        masks=(None if semantics == "deep" else (back, 0),) * c.blocks,
        mask_form=r.choice(["add", "where"]),  # -1e9 is no band: scores may be as low
        bias=r.choice([None, None, "alibi", "alibi_range", "buckets", "clipped"]),
        rotary=None,
        memory=0,
        head=r.choice(["all", "last"]),
        extra=None,
        rows="all",
        names=None,
    )
    return semantics, config, back


def failure(seed, folder):
    """What is wrong with the model of `seed`, or None."""
    semantics, config, back = sample(seed)
    entry = random_encoder.manifest_entry(config)
    entry["path"] = folder / f"{seed}.onnx"
    onnx.save(random_encoder.build(config), entry["path"])
    length = 4 * config.window + 3
    tokens = streams.random_streams(entry, length, seed)
    axes = [f"--token-axis={one['name']}={one['token_axis']}" for one in entry["inputs"] if one["token_axis"] is not None]
    result, outputs = streams.run_stream(entry, tokens, f"--semantics={semantics}", f"--chunk={config.chunk}", *axes)
    if result.returncode != 0:
        return f"exit code {result.returncode}: {result.stderr.strip()[-600:]}"
    got, axis = outputs["y"], entry["rows_axis"]
    if len(got) != length // config.chunk:
        return f"{len(got)} steps of {length} tokens, {config.chunk} each"
    worst = largest = 0.0
    for step, have in enumerate(got):
        end = (step + 1) * config.chunk
        prefix = dataclasses.replace(config, window=end, masks=((back, 0),) * config.blocks)
        operands = {
            one["name"]: tokens[one["name"]]
            if one["token_axis"] is None
            else np.take(tokens[one["name"]], range(end), axis=one["token_axis"])
            for one in entry["inputs"]
        }
        want = streams.open_session(random_encoder.build(prefix)).run(None, operands)[0]
        if config.head == "all":
            rows = min(prefix.tokens, config.tokens)
            have = np.take(have, range(config.tokens - rows, config.tokens), axis=axis)
            want = np.take(want, range(prefix.tokens - rows, prefix.tokens), axis=axis)
        worst, largest = max(worst, np.abs(have - want).max()), max(largest, np.abs(want).max())
    return f"differs by {worst / largest:.2g} of the largest value" if not worst <= streams.TOLERANCE * largest else None


def main():
    arguments = driver.parse(driver.make_parser(__doc__, "0:100"))
    seeds = arguments.seeds
    with driver.model_folder(arguments.keep) as folder, concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        found = dict(zip(seeds, pool.map(lambda seed: failure(seed, folder), seeds)))
    failures = {seed: reason for seed, reason in found.items() if reason}
    for seed, reason in failures.items():
        semantics, config, _ = sample(seed)
        print(f"seed {seed} ({semantics}): {reason}\n  {config}")
    print(f"{len(seeds) - len(failures)} of {len(seeds)} random encoders equal the whole stream at every step")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
