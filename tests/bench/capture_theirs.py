"""One step of diffusers' train_dreambooth.py: what it drew, and the gradients that came of it.

python -m tests.bench.capture_theirs SCRIPT CAPTURE.safetensors -- OPTIONS OF THE SCRIPT
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.optim.optimizer import register_optimizer_step_pre_hook

from tests.bench.clock import Enough
from tests.bench.train_theirs import run_script


class Capture:
    """Listens to a training process: tensors drawn, text encoder and U-Net, and, just before the
    first update, their gradients."""

    def __init__(self) -> None:
        self.tensors: dict[str, Tensor] = {}
        self.modules: dict[str, nn.Module] = {}

    def listen(self) -> None:
        """Hook into torch's modules and optimisers, and into diffusers' noising."""
        from diffusers import DDPMScheduler

        register_module_forward_pre_hook(self._forward)
        register_optimizer_step_pre_hook(self._before_update)
        noising = DDPMScheduler.add_noise

        def heard(scheduler: Any, latents: Tensor, noise: Tensor, times: Tensor) -> Tensor:
            self.tensors |= {"latents": latents, "noise": noise, "times": times}
            noisy: Tensor = noising(scheduler, latents, noise, times)
            return noisy

        DDPMScheduler.add_noise = heard

    def _forward(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        from diffusers import UNet2DConditionModel
        from transformers import CLIPTextModel

        if isinstance(module, UNet2DConditionModel):
            self.modules["unet"] = module
        if isinstance(module, CLIPTextModel):
            self.modules["text_encoder"] = module
            self.tensors["tokens"] = inputs[0]

    def _before_update(self, *_: Any) -> None:
        for part, module in self.modules.items():
            for name, parameter in module.named_parameters():
                if parameter.grad is not None:
                    self.tensors[f"{part}.{name}"] = parameter.grad
        raise Enough


def main() -> None:
    script, target, dashes, *words = sys.argv[1:]
    if dashes != "--":
        raise SystemExit((__doc__ or "").strip())
    capture = Capture()
    capture.listen()
    run_script(Path(script), words)
    save_file({k: v.detach().clone().contiguous() for k, v in capture.tensors.items()}, target)


if __name__ == "__main__":
    main()
