"""Vision and video encoders of Hugging Face's transformers. Tokens are columns of patches or frames."""

import transformers as tf
from architecture import BATCH, TOKENS, Architecture, features
from routes import DYNAMO18, DYNAMO23, EAGER17
from text import SIZES, of

# An image of 12 x 12 pixels, patches of 4 x 4: its columns of patches come one by one.
IMAGE = dict(SIZES, image_size=12, patch_size=4)
PIXELS = (features("pixel_values", BATCH, 3, 12, TOKENS),)
ROUTES = (EAGER17, DYNAMO23)
OPTIONS = ("--token-axis", "pixel_values=3")
PATCHES = dict(window=12, chunk=4, options=OPTIONS, routes=ROUTES, rows_axis=None)


def images():
    yield Architecture("ViT", of(tf.ViTModel, tf.ViTConfig, **IMAGE), PIXELS, **PATCHES)
    yield Architecture(
        "ViT pooler",
        of(tf.ViTModel, tf.ViTConfig, **IMAGE),
        PIXELS,
        pick="pooler_output",
        **{**PATCHES, "routes": (EAGER17,)},
    )
    yield Architecture("DeiT", of(tf.DeiTModel, tf.DeiTConfig, **IMAGE), PIXELS, **PATCHES)
    yield Architecture(
        "BEiT",
        of(tf.BeitModel, tf.BeitConfig, **IMAGE, use_relative_position_bias=True),
        PIXELS,
        **{**PATCHES, "routes": (EAGER17, DYNAMO18)},
    )
    yield Architecture("DINOv2", of(tf.Dinov2Model, tf.Dinov2Config, **IMAGE), PIXELS, **PATCHES)
    yield Architecture(
        "DINOv3",
        of(tf.DINOv3ViTModel, tf.DINOv3ViTConfig, **IMAGE),
        PIXELS,
        **{**PATCHES, "routes": (DYNAMO23,)},
    )
    yield Architecture("I-JEPA", of(tf.IJepaModel, tf.IJepaConfig, **IMAGE), PIXELS, **PATCHES)
    clip = dict(IMAGE, projection_dim=8)
    yield Architecture("CLIP vision", of(tf.CLIPVisionModel, tf.CLIPVisionConfig, **clip), PIXELS, **PATCHES)
    yield Architecture(
        "SigLIP vision", of(tf.SiglipVisionModel, tf.SiglipVisionConfig, **IMAGE), PIXELS, **PATCHES
    )
    swin = dict(image_size=16, patch_size=2, embed_dim=8, depths=[1, 1], num_heads=[2, 2], window_size=4)
    yield Architecture(
        "Swin",
        of(tf.SwinModel, tf.SwinConfig, **swin),
        (features("pixel_values", BATCH, 3, 16, TOKENS),),
        **{**PATCHES, "window": 16, "routes": (EAGER17, DYNAMO18)},
    )


def videos():
    video = dict(IMAGE, num_frames=6)
    frames = (features("pixel_values", BATCH, TOKENS, 3, 12, 12),)
    options = ("--token-axis", "pixel_values=1")
    common = dict(window=6, rows_axis=None, routes=(EAGER17, DYNAMO18), options=options)
    mae = of(tf.VideoMAEModel, tf.VideoMAEConfig, **video, tubelet_size=2)
    yield Architecture("VideoMAE", mae, frames, chunk=2, **common)
    one = of(tf.VideoMAEModel, tf.VideoMAEConfig, **video, tubelet_size=1)
    yield Architecture("VideoMAE, a frame a tube", one, frames, **common)
    yield Architecture(
        "TimeSformer", of(tf.TimesformerModel, tf.TimesformerConfig, **video), frames, **common
    )
    vivit = dict(video, tubelet_size=[2, 4, 4])
    yield Architecture("ViViT", of(tf.VivitModel, tf.VivitConfig, **vivit), frames, chunk=2, **common)


FAMILIES = (images, videos)
