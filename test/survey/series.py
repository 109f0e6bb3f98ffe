"""Encoders of time series of Hugging Face's transformers."""

import transformers as tf
from architecture import BATCH, TOKENS, Architecture, features
from routes import DYNAMO18, EAGER14
from text import HEADS, HIDDEN, LAYERS, WIDTH, of
from transformers.models.informer.modeling_informer import InformerEncoder
from transformers.models.time_series_transformer.modeling_time_series_transformer import (
    TimeSeriesTransformerEncoder,
)

ROUTES = (EAGER14, DYNAMO18)


def series():
    patches = dict(num_input_channels=2, context_length=24, patch_length=4, patch_stride=4, d_model=WIDTH)
    patches |= dict(num_hidden_layers=LAYERS, num_attention_heads=HEADS, ffn_dim=HIDDEN)
    values = (features("past_values", BATCH, TOKENS, 2),)
    common = dict(
        window=24, chunk=4, rows_axis=None, options=("--token-axis", "past_values=1"), routes=(DYNAMO18,)
    )
    yield Architecture("PatchTST", of(tf.PatchTSTModel, tf.PatchTSTConfig, **patches), values, **common)
    plain = dict(patches, scaling=None)
    yield Architecture(
        "PatchTST, not scaled", of(tf.PatchTSTModel, tf.PatchTSTConfig, **plain), values, **common
    )
    mixer = dict(
        num_input_channels=2, context_length=24, patch_length=4, patch_stride=4, d_model=WIDTH, num_layers=2
    )
    yield Architecture(
        "PatchTSMixer", of(tf.PatchTSMixerModel, tf.PatchTSMixerConfig, **mixer), values, **common
    )
    forecast = dict(
        d_model=WIDTH, encoder_layers=LAYERS, encoder_attention_heads=HEADS, encoder_ffn_dim=HIDDEN
    )
    forecast |= dict(context_length=12, prediction_length=4, feature_size=6, lags_sequence=[1])
    embeds = (features("inputs_embeds", BATCH, TOKENS, 6),)
    build = of(TimeSeriesTransformerEncoder, tf.TimeSeriesTransformerConfig, **forecast)
    yield Architecture("TimeSeriesTransformer encoder", build, embeds, routes=ROUTES)
    informer = dict(forecast, distil=False)
    full = of(InformerEncoder, tf.InformerConfig, **informer, attention_type="full")
    yield Architecture("Informer encoder, full", full, embeds, routes=ROUTES)


FAMILIES = (series,)
