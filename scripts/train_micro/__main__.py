"""Trains the micro world's networks, stage by stage."""
import sys
from pathlib import Path
import torch
sys.path[:0] = ["builders", "evaluators", "."]
from data import load_split
work = Path(sys.argv[1]); stage = sys.argv[2]; torch.set_num_threads(int(sys.argv[3])); work.mkdir(exist_ok=True, parents=True)
if stage == "render":
    for s in ("train", "val", "decorrelated"): load_split(s, work, 0)
for s in stage.split(","):
    if s in ("resnet", "convnext", "robust", "vit"):
        from classifiers import train_classifier
        from classifiers import predict
        n = train_classifier(s, load_split("train", work, 0), 12, work)
        v = load_split("val", work, 0)
        print(s, "val", (predict(n, v.floats(slice(None))).argmax(1) == v.labels).float().mean().item())
    if s == "vae":
        from autoencoder import train_autoencoder, psnr
        d = load_split("decorrelated", work, 0)
        m = train_autoencoder(d.part(0, 18000), work); print("psnr", psnr(m, d.floats(slice(18000, 18200))), m.config.scaling_factor)

    if s == "base":
        from autoencoder import train_autoencoder
        from base_model import train_base
        d, t = load_split("decorrelated", work, 0).part(0, 18000), load_split("train", work, 0)
        train_base(train_autoencoder(d, work), [d, t], work)
