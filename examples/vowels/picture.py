"""The picture of the demo: what goes in, what comes out at every token, what it costs."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402

import speech  # noqa: E402

SHOWN = 150  # tokens of the stream
INK, PALE, GRID = "#22303c", "#7c8a97", "#e4e9ee"
WEIR, WINDOW, REFERENCE = "#0b7a75", "#c9d3da", "#e0a458"
CERTAINTY = matplotlib.colors.LinearSegmentedColormap.from_list(
    "certainty", ["#f3f6f8", "#7fc4bd", WEIR, "#063f46"]
)


def boundaries(owners):
    """Where one utterance ends and the next begins."""
    return np.flatnonzero(np.diff(owners)) + 0.5


def style(axes):
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0, colors=PALE, labelsize=9)


def draw_coefficients(axes, tokens, owners):
    scaled = (tokens - tokens.mean(0)) / tokens.std(0)
    axes.imshow(scaled.T, aspect="auto", cmap="BrBG", vmin=-2.5, vmax=2.5, interpolation="nearest")
    for x in boundaries(owners):
        axes.axvline(x, color="white", linewidth=2)
    axes.set_yticks([0, 5, 11], ["1", "6", "12"])
    axes.set_xticks([])
    axes.set_ylabel("coefficient", color=PALE, fontsize=9)
    axes.set_title(
        "In: one token of speech after the other",
        loc="left",
        color=INK,
        fontsize=12,
        weight="bold",
    )
    style(axes)


def draw_probabilities(axes, probabilities, speakers, owners, title, last):
    axes.imshow(probabilities.T, aspect="auto", cmap=CERTAINTY, vmin=0, vmax=1, interpolation="nearest")
    edges = np.concatenate([[-0.5], boundaries(owners), [len(owners) - 0.5]])
    for left, right in zip(edges[:-1], edges[1:]):
        truth = speakers[int(left + 1)]
        box = plt.Rectangle(
            (left + 0.15, truth - 0.5), right - left - 0.3, 1, fill=False, edgecolor=REFERENCE, linewidth=2
        )
        axes.add_patch(box)
    axes.set_yticks(range(speech.SPEAKERS), [str(s + 1) for s in range(speech.SPEAKERS)])
    axes.set_ylabel("speaker", color=PALE, fontsize=9)
    axes.set_title(title, loc="left", color=INK, fontsize=12, weight="bold")
    style(axes)
    if last:
        axes.set_xlabel("stream time, tokens", color=PALE, fontsize=9)
    else:
        axes.set_xticks([])


def draw_bars(axes, title, names, values, colors, unit):
    places = np.arange(len(values))[::-1]
    axes.barh(places, values, color=colors, height=0.68)
    axes.set_yticks(places, names)
    axes.set_xticks([])
    axes.set_xlim(0, max(values) * 1.25)
    for place, value in zip(places, values):
        axes.text(value + max(values) * 0.015, place, f"{unit(value)}", va="center", color=INK, fontsize=9)
    axes.set_title(title, loc="left", color=INK, fontsize=11, weight="bold")
    style(axes)
    axes.tick_params(axis="y", colors=INK)


def draw(path, tokens, speakers, owners, models):
    """Write `path`. `models` are the dictionaries of demo.py, one a model."""
    figure = plt.figure(figsize=(14, 12.5), facecolor="white")
    grid = figure.add_gridspec(
        5,
        2,
        height_ratios=[1.15, 1.3, 1.3, 0.72, 0.72],
        hspace=0.42,
        wspace=0.3,
        left=0.115,
        right=0.96,
        top=0.895,
        bottom=0.04,
    )
    figure.text(
        0.04, 0.962, "Who speaks now? Two encoders on a live stream", fontsize=19, weight="bold", color=INK
    )
    figure.text(
        0.04,
        0.937,
        "Japanese Vowels (UCI): nine men, 12 spectral coefficients a token. Orange outlines: the true speaker.",
        fontsize=11,
        color=PALE,
    )
    warm = models[0]["window"] - 1  # tokens before the first full window
    first = warm + int(np.flatnonzero(np.diff(owners[warm:]))[0]) + 1  # where an utterance begins
    cut = slice(first, first + SHOWN)
    draw_coefficients(figure.add_subplot(grid[0, :]), tokens[cut], owners[cut])
    for row, model in enumerate(models):
        name = f"{model['blocks']} block{'s' * (model['blocks'] > 1)}"
        draw_probabilities(
            figure.add_subplot(grid[1 + row, :]),
            model["probabilities"][first - warm :][:SHOWN],
            speakers[cut],
            owners[cut],
            f"Out, {name}: probability of each speaker at every token"
            f" ({model['accuracy']:.1%} of all test utterances told right)",
            row == len(models) - 1,
        )
        draw_bars(
            figure.add_subplot(grid[3 + row, 0]),
            f"{name}: multiply-accumulates a prediction",
            ["Weir step", "window"],
            [model["step macs"], model["window macs"]],
            [WEIR, WINDOW],
            lambda value: f"{value:,}",
        )
        draw_bars(
            figure.add_subplot(grid[3 + row, 1]),
            f"{name}: median microseconds a prediction, one thread",
            ["Weir step", "Weir window", "onnxruntime window"],
            [model["step us"], model["window us"], model["onnxruntime us"]],
            [WEIR, WINDOW, REFERENCE],
            lambda value: f"{value:.1f}",
        )
    figure.savefig(path, dpi=110)
    plt.close(figure)
