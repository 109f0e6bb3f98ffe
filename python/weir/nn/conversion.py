"""Swap the attentions of a trained encoder, keeping its weights."""

import copy

import torch
from torch import nn

from .attention import SelfAttention
from .cast_attention import CastAttention
from .dct_attention import DctAttention
from .modes import evaluating

ATTENTIONS = {"dct": DctAttention, "cast": CastAttention, "full": nn.MultiheadAttention}


def attentions(model):
    """[(parent, name, attention)] in the order in which modules are listed: that of layers."""
    return [
        (parent, name, child)
        for parent in model.modules()
        for name, child in parent.named_children()
        if isinstance(child, (nn.MultiheadAttention, SelfAttention))
    ]


def check(number, attention, kind):
    """Refuse what a self-attention with the same weights cannot be."""
    if not isinstance(attention, nn.MultiheadAttention):
        return
    because = None
    if attention.kdim != attention.embed_dim or attention.vdim != attention.embed_dim:
        because = "its keys or values have another width than its queries"
    elif attention.bias_k is not None or attention.add_zero_attn:
        because = "it adds keys of its own (add_bias_kv or add_zero_attn)"
    if because and kind != "full":
        raise ValueError(f"attention {number} cannot become {kind} attention: {because}")


def swapped(old, kind, options):
    """An attention of `kind` with the weights of `old`; parameters that `old` lacks are as they start."""
    weight = old.in_proj_weight
    shared = dict(
        dropout=old.dropout, bias=old.in_proj_bias is not None, batch_first=old.batch_first,
        device=weight.device, dtype=weight.dtype,
    )  # fmt: skip
    new = ATTENTIONS[kind](old.embed_dim, old.num_heads, **options, **shared)
    taken = {name: value for name, value in old.state_dict().items() if name in new.state_dict()}
    new.load_state_dict(taken, strict=False)
    return new.train(old.training)


def recorded_inputs(model, chosen, samples):
    """What each of the attentions `chosen` takes in, [tokens, embed_dim], when `model` runs on `samples`."""
    seen = {id(attention): [] for attention in chosen}
    handles = [
        attention.register_forward_pre_hook(
            lambda module, args, kwargs: seen[id(module)].append(args[0] if args else kwargs["query"]), with_kwargs=True
        )
        for attention in chosen
    ]
    fused = torch.backends.mha.get_fastpath_enabled()
    try:
        torch.backends.mha.set_fastpath_enabled(False)  # that path does not call the attention
        with torch.no_grad(), evaluating(model):
            model(*(samples if isinstance(samples, tuple) else (samples,)))
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
        for handle in handles:
            handle.remove()
    return [torch.cat([x.reshape(-1, x.shape[-1]) for x in seen[id(attention)]]) for attention in chosen]


def kmeans(points, count, rounds=20, seed=0):
    """[count, d]: centres of clusters of points [p, d], by k-means from a k-means++ start."""
    generator = torch.Generator().manual_seed(seed)
    pick = lambda weights: int(torch.multinomial(weights.double().cpu(), 1, generator=generator))
    centres = points[pick(torch.ones(len(points)))][None]
    for _ in range(count - 1):
        far = torch.cdist(points, centres).amin(1).square()
        centres = torch.cat([centres, points[pick(far if bool(far.any()) else torch.ones(len(points)))][None]])
    for _ in range(rounds):
        nearest = torch.cdist(points, centres).argmin(1)
        sums = torch.zeros_like(centres).index_add(0, nearest, points)
        members = torch.bincount(nearest, minlength=count).unsqueeze(1)
        centres = torch.where(members > 0, sums / members.clamp(min=1), centres)
    return centres


@torch.no_grad()
def place_surrogates(attention, x):
    """Surrogates of a CastAttention at the centres of the queries and keys that tokens x [t, embed_dim] make.

    One clustering for all heads: centres of whole rows; one per head: of each head's part of them.
    """
    projected = nn.functional.linear(x, attention.in_proj_weight, attention.in_proj_bias)
    points = torch.cat(projected.chunk(3, -1)[:2])
    parts = [points] if attention.heads == "shared" else points.chunk(attention.num_heads, -1)
    attention.surrogates.copy_(torch.cat([kmeans(part, attention.clusters) for part in parts], -1))


def convert(model, attention, layers=None, samples=None, **options):
    """A copy of `model` whose nn.MultiheadAttention modules are DctAttention or CastAttention with the same weights.

    attention   "dct", "cast", or "full": nn.MultiheadAttention again
    layers      numbers of the attentions to swap, in order, all if None
    samples     what `model` takes (a tensor, or a tuple of its arguments): surrogates of CAST then start at k-means
                centres of the queries and keys that it causes, else at random
    options     those of DctAttention or CastAttention

    Except for variants `resample` and `pool` with enough rows kept, the result computes something else than `model`:
    train it on, and compare both on data that counts.
    """
    if attention not in ATTENTIONS:
        raise ValueError(f"attention '{attention}' is none of {', '.join(ATTENTIONS)}")
    found = attentions(model)
    numbers = range(len(found)) if layers is None else sorted({*layers})
    if not found or any(not 0 <= number < len(found) for number in numbers):
        raise ValueError(f"layers {[*numbers]} are not all among the {len(found)} attentions of this model")
    for number in numbers:
        check(number, found[number][2], attention)
    inputs = [None] * len(numbers)
    if attention == "cast" and samples is not None:
        inputs = recorded_inputs(model, [found[number][2] for number in numbers], samples)

    result = copy.deepcopy(model)
    found = attentions(result)
    for number, x in zip(numbers, inputs):
        parent, name, old = found[number]
        new = swapped(old, attention, options)
        if x is not None:
            place_surrogates(new, x)
        setattr(parent, name, new)
    if attention != "full":
        for module in result.modules():
            if isinstance(module, nn.TransformerEncoder):
                module.use_nested_tensor = False  # nested tensors are for the path past the attention
    return result
