"""Audio encoders of Hugging Face's transformers: raw samples through strided convolutions, or spectra."""

import transformers as tf
from architecture import BATCH, TOKENS, Architecture, features
from routes import DYNAMO18, DYNAMO23, EAGER14, EAGER17
from text import HEADS, HIDDEN, LAYERS, SIZES, WIDTH, of
from transformers.models.speech_to_text.modeling_speech_to_text import Speech2TextEncoder
from transformers.models.whisper.modeling_whisper import WhisperEncoder

# Ten samples a step.
STRIDED = dict(
    SIZES,
    conv_dim=(8, 8),
    conv_stride=(5, 2),
    conv_kernel=(10, 3),
    num_feat_extract_layers=2,
    num_conv_pos_embeddings=4,
    num_conv_pos_embedding_groups=2,
    vocab_size=20,
)
SAMPLES = (features("input_values", BATCH, TOKENS),)
RAW = dict(window=130, chunk=10, rows_axis=None, routes=(EAGER17, DYNAMO18))


def raw():
    yield Architecture("wav2vec2", of(tf.Wav2Vec2Model, tf.Wav2Vec2Config, **STRIDED), SAMPLES, **RAW)
    stable = dict(STRIDED, feat_extract_norm="layer", do_stable_layer_norm=True)
    yield Architecture(
        "wav2vec2, layer norms", of(tf.Wav2Vec2Model, tf.Wav2Vec2Config, **stable), SAMPLES, **RAW
    )
    yield Architecture("HuBERT", of(tf.HubertModel, tf.HubertConfig, **STRIDED), SAMPLES, **RAW)
    yield Architecture("HuBERT, layer norms", of(tf.HubertModel, tf.HubertConfig, **stable), SAMPLES, **RAW)
    yield Architecture("WavLM", of(tf.WavLMModel, tf.WavLMConfig, **STRIDED), SAMPLES, **RAW)
    yield Architecture("UniSpeech", of(tf.UniSpeechModel, tf.UniSpeechConfig, **STRIDED), SAMPLES, **RAW)
    audio = {k: v for k, v in STRIDED.items() if k != "num_feat_extract_layers"}
    yield Architecture(
        "data2vec audio", of(tf.Data2VecAudioModel, tf.Data2VecAudioConfig, **audio), SAMPLES, **RAW
    )
    squeezed = dict(STRIDED, squeeze_factor=2)
    yield Architecture(
        "SEW", of(tf.SEWModel, tf.SEWConfig, **squeezed), SAMPLES, **{**RAW, "chunk": 20, "window": 125}
    )
    for kind in ("relative", "rotary"):
        conformer = dict(stable, position_embeddings_type=kind, conv_depthwise_kernel_size=5)
        conformer.pop("do_stable_layer_norm")
        build = of(tf.Wav2Vec2ConformerModel, tf.Wav2Vec2ConformerConfig, **conformer)
        yield Architecture(f"wav2vec2-Conformer, {kind}", build, SAMPLES, **RAW)


def spectra():
    whisper = dict(
        d_model=WIDTH, encoder_layers=LAYERS, encoder_attention_heads=HEADS, encoder_ffn_dim=HIDDEN
    )
    whisper |= dict(num_mel_bins=8, max_source_positions=8, vocab_size=20, pad_token_id=0)
    mel = (features("input_features", BATCH, 8, TOKENS),)
    routes = (EAGER14, EAGER17, DYNAMO18, DYNAMO23)
    yield Architecture(
        "Whisper encoder",
        of(WhisperEncoder, tf.WhisperConfig, **whisper),
        mel,
        window=16,
        chunk=2,
        routes=routes,
    )
    speech = dict(d_model=WIDTH, encoder_layers=LAYERS, encoder_attention_heads=HEADS, encoder_ffn_dim=HIDDEN)
    speech |= dict(input_feat_per_channel=8, conv_channels=8, vocab_size=20, max_source_positions=20)
    frames = (features("input_features", BATCH, TOKENS, 8),)
    yield Architecture(
        "Speech2Text encoder",
        of(Speech2TextEncoder, tf.Speech2TextConfig, **speech),
        frames,
        window=32,
        chunk=4,
        routes=(EAGER17, DYNAMO18),
    )
    ast = dict(SIZES, max_length=16, num_mel_bins=8, patch_size=4, frequency_stride=4, time_stride=4)
    yield Architecture(
        "AST",
        of(tf.ASTModel, tf.ASTConfig, **ast),
        (features("input_values", BATCH, TOKENS, 8),),
        window=16,
        chunk=4,
        rows_axis=None,
        options=("--token-axis", "input_values=1"),
        routes=(EAGER17, DYNAMO23),
    )
    bert = dict(SIZES, feature_projection_input_dim=8, conv_depthwise_kernel_size=5, vocab_size=20)
    for kind in ("relative_key", "relative", "rotary"):
        build = of(tf.Wav2Vec2BertModel, tf.Wav2Vec2BertConfig, **bert, position_embeddings_type=kind)
        yield Architecture(f"wav2vec2-BERT, {kind}", build, frames, routes=(EAGER17, DYNAMO18))


FAMILIES = (raw, spectra)
