"""What of a base model is trained: all weights, low-rank adapters, or one word's embedding."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import torch
from diffusers.training_utils import EMAModel
from torch import Tensor, nn

from spurbench.errors import UserError
from spurbench_builders.recipes.model import Lora, Training

if TYPE_CHECKING:
    from spurbench_builders.models.base import BaseModel

UNET_ATTENTION = ["to_q", "to_k", "to_v", "to_out.0"]
TEXT_ATTENTION = ["q_proj", "k_proj", "v_proj", "out_proj"]


def rate_factor(schedule: str, progress: float) -> float:
    """What the learning rate is multiplied by, in (0, 1], when so much of the training is done (0 to
    below 1): always 1, or falling to 0 along a line or half a cosine (Loshchilov and Hutter, 2017)."""
    if schedule == "constant":
        return 1.0
    return 1.0 - progress if schedule == "linear" else (1.0 + math.cos(math.pi * progress)) / 2


class Denoiser(nn.Module):
    """U-Net and text encoder as one module, so that data-parallel training wraps both at once."""

    def __init__(self, unet: nn.Module, text_encoder: nn.Module) -> None:
        super().__init__()
        self.unet, self.text_encoder = unet, text_encoder

    def forward(
        self, noisy: Tensor, times: Tensor, tokens: Tensor, states: Tensor | None
    ) -> Tensor:
        """The prediction (N, C, h, w) for latents at times (N,) under prompts, one a picture:
        given as token ids (N, L) or, where the text encoder is frozen, as its states (N, L, D)."""
        if states is None:
            states = self.text_encoder(tokens).last_hidden_state  # (N, L, D)
        predicted: Tensor = self.unet(noisy, times, states).sample  # (N, C, h, w)
        return predicted


class Trainee:
    """A base model made ready for training as a recipe says; ``finish`` leaves plain weights."""

    def __init__(self, model: BaseModel, settings: Training, words: tuple[str, str]) -> None:
        self.model, self.settings = model, settings
        unet = _with_adapters(model.unet, settings.unet, settings.lora, UNET_ATTENTION)
        text = _with_adapters(
            model.text_encoder, settings.text_encoder, settings.lora, TEXT_ATTENTION
        )
        self.denoiser = Denoiser(unet, text)
        for module, way in ((unet, settings.unet), (text, settings.text_encoder)):
            module.train(way != "frozen")
            if way == "full":
                module.requires_grad_(True)
        if settings.text_encoder == "embedding":
            _train_one_word(model, *words)
        if settings.gradient_checkpointing:
            _checkpoint_activations(model, "enable")
        self.parameters = [p for p in self.denoiser.parameters() if p.requires_grad]

    @property
    def reads_text_afresh(self) -> bool:
        """Whether prompts must be encoded every step: the text encoder changes."""
        return self.settings.text_encoder != "frozen"

    def named_parameters(self) -> dict[str, nn.Parameter]:
        """What is trained, by name."""
        return {n: p for n, p in self.denoiser.named_parameters() if p.requires_grad}

    def optimiser(self) -> torch.optim.Optimizer:
        """AdamW (Loshchilov and Hutter, 2019). Its decay would pull every other word of the
        vocabulary toward zero where one is trained, so there it is off."""
        s = self.settings
        decay = 0.0 if s.text_encoder == "embedding" else s.weight_decay
        return torch.optim.AdamW(
            self.parameters,
            lr=s.learning_rate,
            betas=s.betas,
            eps=s.epsilon,
            weight_decay=decay,
            fused=True,  # one kernel for all weights instead of several for each
        )

    def average(self) -> EMAModel | None:
        """The moving average of what is trained, which begins with the weights of before; None where
        the recipe has none."""
        decay = self.settings.average
        return None if decay is None else EMAModel(self.parameters, decay=decay)

    def finish(self) -> None:
        """Fold adapters into the weights and freeze everything."""
        if self.settings.unet == "lora":
            self.model.unet = _folded(self.denoiser.unet)
        if self.settings.text_encoder == "lora":
            self.model.text_encoder = _folded(self.denoiser.text_encoder)
        if self.settings.gradient_checkpointing:
            _checkpoint_activations(self.model, "disable")
        for module in (self.model.unet, self.model.text_encoder):
            module.eval().requires_grad_(False)


def _checkpoint_activations(model: BaseModel, change: str) -> None:
    """Enable or disable it; transformers renamed its methods in the course of version 5."""
    getattr(model.unet, f"{change}_gradient_checkpointing")()
    text = model.text_encoder
    older = f"gradient_checkpointing_{change}"
    getattr(text, f"activation_checkpointing_{change}", getattr(text, older, None))()  # type: ignore[misc]


def _with_adapters(module: nn.Module, way: str, lora: Lora | None, layers: list[str]) -> nn.Module:
    if way != "lora" or lora is None:
        return module
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=lora.rank, lora_alpha=lora.alpha, target_modules=layers)
    with warnings.catch_warnings():
        # peft asks transformers by a name that transformers has since changed.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
        adapted: nn.Module = get_peft_model(module, config)
    return adapted


def _folded(adapted: Any) -> nn.Module:
    plain: nn.Module = adapted.merge_and_unload()
    return plain


def _train_one_word(model: BaseModel, identifier: str, noun: str) -> None:
    """Textual inversion (Gal et al., 2023): the identifier's rows of the token embedding start at
    the noun's and alone get gradients."""
    table: Any = model.text_encoder.get_input_embeddings()  # type: ignore[operator]
    rows = model.word_tokens(identifier)
    if len(rows) != 1:
        raise UserError(
            f"prompt.identifier {identifier!r} is {len(rows)} tokens of the base model's vocabulary; "
            "textual inversion needs a word that is one"
        )
    start = table.weight[model.word_tokens(noun)].mean(dim=0)
    with torch.no_grad():
        table.weight[rows] = start
    mask = torch.zeros(len(table.weight), 1, device=table.weight.device)  # (vocabulary, 1)
    mask[rows] = 1
    table.weight.requires_grad_(True)
    # A row cannot be a parameter of its own, so the others' gradients are put to zero.
    table.weight.register_hook(lambda gradient: gradient * mask)
