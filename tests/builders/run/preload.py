"""What the fork server of the kill tests imports once."""

import datasets  # noqa: F401
import timm  # noqa: F401
from diffusers import AutoencoderKL, PNDMScheduler, UNet2DConditionModel  # noqa: F401
from transformers import CLIPTextModel, CLIPTokenizer  # noqa: F401

from spurbench_builders.method import finetune  # noqa: F401
from spurbench_builders.run import build  # noqa: F401
