"""PyTorch modules of the attentions that Weir rewrites to, to train with; their ONNX exports come back to Weir.

    DctAttention, CastAttention   in place of nn.MultiheadAttention in nn.TransformerEncoderLayer
    convert                       swaps the attentions of a trained encoder
    save_surrogates               what weir-cast{surrogates=FILE} reads
    export                        to ONNX, by either of PyTorch's exporters

Needs torch, numpy and onnx, nothing of the compiler.
"""

from .cast_attention import CastAttention
from .conversion import convert
from .dct_attention import DctAttention
from .onnx_export import export
from .surrogates import save_surrogates

__all__ = ["CastAttention", "DctAttention", "convert", "export", "save_surrogates"]
