"""A recipe: everything that decides what a build makes, as frozen data. Read by files.py."""

from __future__ import annotations

from string import Formatter
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    field_validator,
    model_serializer,
    model_validator,
)

from spurbench.files import sha256_json
from spurbench_builders.limits import MOST_IMAGES, MOST_THREADS

Share = Annotated[float, Field(ge=0, lt=1)]
Weight = Annotated[float, Field(ge=0, le=1e9)]
Text = Annotated[str, Field(min_length=1, max_length=1000)]
Count = Annotated[int, Field(ge=1, le=MOST_IMAGES)]
"""Of pictures, or of what is worked at together."""
Steps = Annotated[int, Field(ge=1, le=10_000_000)]


ALLOWED = (("identifier", "", None), ("noun", "", None))
"""What a template may hold: name, format and conversion."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Network(_Part):
    """A classifier by its spec, or with ``weights`` of one's own: a file's path, or
    ``hub://OWNER/NAME@REVISION/FILE``. ``sha256`` pins that file; ``prefix`` is what its keys
    carry before the architecture's own names. A bare spec stands for itself in YAML."""

    spec: Text
    weights: str | None = None
    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    prefix: str = ""

    @model_validator(mode="before")
    @classmethod
    def _from_spec(cls, value: Any) -> Any:
        return {"spec": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _pins_a_file(self) -> Self:
        if self.weights is None and (self.sha256 or self.prefix):
            raise ValueError("sha256 and prefix are about the file named by weights; name one")
        return self

    @model_serializer
    def _short(self) -> str | dict[str, str]:
        if self.weights is None:
            return self.spec
        fields = {"spec": self.spec, "weights": self.weights, "prefix": self.prefix}
        return {**fields, **({"sha256": self.sha256} if self.sha256 else {})}


class Prompt(_Part):
    """Prompt templates; ``identifier`` is DreamBooth's [V], a rare word of three characters.
    ``contexts`` follow the instance prompt in the recontextualised ones (section 4.6)."""

    identifier: Text
    instance: Text
    prior: Text
    contexts: tuple[Text, ...] = ()

    @field_validator("instance", "prior")
    @classmethod
    def _fills(cls, template: str) -> str:
        # Looked at before it is filled: a width in it ({noun:>999999999}) would fill the memory.
        fields = [part[1:] for part in Formatter().parse(template) if part[1] is not None]
        if any(field not in ALLOWED for field in fields):
            raise ValueError("may hold {identifier} and {noun} only")
        return template


class References(_Part):
    """Pictures taken from the domain's pool, consistently spurious ones trained on, and
    validation pictures shipped beside the split. ``choice`` of those trained on: ``random`` among all,
    as in the paper, or ``stratified``, one from each of as many groups of like pictures."""

    pool: Count
    count: Count
    choice: Literal["random", "stratified"] = "random"
    validation: int = Field(ge=0, le=MOST_IMAGES)


class Prior(_Part):
    """Pictures of the plain noun that the base model makes before training (Eq. 2)."""

    images: Count


class Lora(_Part):
    """Low-rank adapters on the attention layers (Hu et al., 2022): rank, and alpha / rank scales."""

    rank: int = Field(ge=1, le=65_536)
    alpha: int = Field(ge=1, le=65_536)


class Training(_Part):
    """What is trained and how: AdamW's settings, ``batch`` reference pictures a step over all
    processes (and as many priors), and ``prior_weight``, the paper's lambda (Eq. 3).

    ``unet`` and ``text_encoder`` say how each takes part: all its weights, low-rank adapters,
    not at all, or (text encoder) only the identifier's embedding: textual inversion. Master
    weights are float32 also where ``precision`` is bf16 (autocast). ``schedule`` is what becomes of
    the learning rate; with ``average``, the weights that are kept are the exponential moving average
    of those of all steps, of that decay (less in the first ones: (1 + step) / (10 + step)).
    """

    steps: Steps
    batch: Count = 1
    learning_rate: float = Field(gt=0, le=1e9)
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    average: Share | None = None
    weight_decay: Weight
    betas: tuple[Share, Share]
    epsilon: float = Field(gt=0)
    max_gradient_norm: float = Field(default=1.0, gt=0)
    prior_weight: Weight
    unet: Literal["full", "lora", "frozen"]
    text_encoder: Literal["full", "lora", "embedding", "frozen"]
    lora: Lora | None = None
    precision: Literal["fp32", "bf16"] = "fp32"
    gradient_checkpointing: bool = False
    checkpoint_every: Steps = 200

    @model_validator(mode="after")
    def _trains_something(self) -> Self:
        ways = {self.unet, self.text_encoder}
        if ways == {"frozen"}:
            raise ValueError("unet and text_encoder are both frozen: nothing would be trained")
        if ("lora" in ways) != (self.lora is not None):
            raise ValueError("give lora: {rank, alpha} if and only if a part is trained by lora")
        return self


class Similarity(_Part):
    """The spurious feature similarity loss (method/similarity.py; Eq. 4 to 6).

    ``reading``: attract, contrast or printed. ``weight``: the paper's kappa; ``class_weights``
    replaces it for classes by name, as section 4.3 recommends. ``robust``: the network of phi.
    ``images``: whether the model-made instance or prior pictures are compared with the
    references; ``anchor``: with the mean of their psi_k or the nearest one. ``time_weight``:
    steps count by abar_t or alike; those at or above ``time_bound`` not at all.
    ``decode_size``: side in pixels at which the estimate is decoded (None: full size).
    """

    reading: Literal["attract", "contrast", "printed"]
    weight: Weight
    class_weights: dict[str, Weight] = {}
    robust: Network
    images: Literal["instance", "prior"] = "instance"
    anchor: Literal["mean", "nearest"] = "mean"
    time_weight: Literal["abar", "none"] = "abar"
    time_bound: int | None = Field(default=None, ge=1)
    decode_size: int | None = Field(default=None, ge=8, le=16_384)

    def kappa(self, class_name: str) -> float:
        """The loss's weight for a class."""
        return self.class_weights.get(class_name, self.weight)


class Sampling(_Part):
    """Seeded PNDM sampling with classifier-free guidance; ``batch`` pictures at a time."""

    steps: int = Field(ge=2, le=100_000)
    guidance: Weight
    batch: Count
    precision: Literal["fp32", "bf16"] = "fp32"


class Audit(_Part):
    """The referee that looks for the object, and the probability above which it is found."""

    referee: Network | None = None
    threshold: float = Field(gt=0, lt=1)


class Recipe(_Part):
    """A complete build configuration. ``base`` is a model that ships with the domain, a folder in
    diffusers' format, or a hub id, which must be pinned by ``base_revision``. ``threads`` are those
    that a step computes with on the CPU (None: all cores), ``device`` is where: ``auto`` takes a
    CUDA device where there is one."""

    name: Text
    summary: Text
    domain: Text
    base: Text
    base_revision: str | None = Field(default=None, pattern="^[0-9a-f]{40}$")
    threads: int | None = Field(default=None, ge=1, le=MOST_THREADS)
    device: Literal["auto", "cpu"] = "auto"
    prompt: Prompt
    references: References
    panel: tuple[Network, ...] = Field(min_length=1)
    prior: Prior
    training: Training
    similarity: Similarity
    sampling: Sampling
    audit: Audit

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if "{identifier}" not in self.prompt.instance:
            raise ValueError("prompt.instance must hold {identifier}: it is what is taught")
        if self.similarity.images == "prior" and not self.training.prior_weight:
            raise ValueError("similarity.images is prior, but training.prior_weight is 0")
        return self

    def fingerprint(self) -> str:
        """SHA-256 over every field."""
        return sha256_json(self.model_dump(mode="json"))
