"""The surrogate tokens of a model's CAST attentions in a file, as `weir-cast{surrogates=FILE}` reads them."""

import json
import pathlib

import numpy as np

from .cast_attention import CastAttention
from .conversion import attentions


def surrogates_of(model):
    """{`surrogate_<i>` [clusters, embed_dim], heads side by side, `wphi_<i>` [embed_dim], `bphi_<i>`: array}, i the
    number of the attention in the model, in float32."""
    found = {}
    for number, (_, _, attention) in enumerate(attentions(model)):
        if isinstance(attention, CastAttention):
            parameters = dict(surrogate=attention.surrogates, wphi=attention.wphi, bphi=attention.bphi)
            for name, value in parameters.items():
                found[f"{name}_{number}"] = value.detach().cpu().numpy().astype(np.float32)
    return found


def safetensors_bytes(arrays):
    """Length of the header, header in JSON, the arrays one after the other."""
    header, end = {}, 0
    for name, array in arrays.items():
        begin, end = end, end + array.nbytes
        header[name] = {"dtype": "F32", "shape": array.shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + b"".join(array.tobytes() for array in arrays.values())


def save_surrogates(model, path):
    """Write the surrogate tokens and gates of the CAST attentions of `model` to `path`, .npz or .safetensors."""
    path, arrays = pathlib.Path(path), surrogates_of(model)
    if path.suffix not in (".npz", ".safetensors"):
        raise ValueError(f"{path}: surrogates are written as .npz or .safetensors, not '{path.suffix}'")
    if not arrays:
        raise ValueError("the model has no CastAttention, so no surrogates")
    if path.suffix == ".npz":
        np.savez(path, **arrays)
    else:
        path.write_bytes(safetensors_bytes(arrays))
