"""Trains a small net to tell two spirals apart; leaves the model and its history in outputs/."""

import argparse
import json
import math
from pathlib import Path

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.01)
parser.add_argument("--epochs", type=int, default=200)
options = parser.parse_args()
torch.manual_seed(0)

# Two spirals, one inside the other, with some noise.
count = 400
radius = torch.rand(count)
label = torch.arange(count) % 2
angle = 2 * math.pi * radius + math.pi * label
points = torch.stack([radius * angle.cos(), radius * angle.sin()], 1) + 0.02 * torch.randn(count, 2)

net = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 2))
optimizer = torch.optim.Adam(net.parameters(), lr=options.lr)
history = []
for epoch in range(1, options.epochs + 1):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(net(points), label)
    loss.backward()
    optimizer.step()
    history.append(loss.item())
    if epoch % 20 == 0 or epoch == options.epochs:
        print(f"epoch {epoch:4}  loss {loss.item():.4f}", flush=True)

outputs = Path("outputs")
outputs.mkdir(exist_ok=True)
torch.save({"net": net.state_dict(), "points": points, "label": label}, outputs / "model.pth")
(outputs / "history.json").write_text(json.dumps(history))
(outputs / "metrics.json").write_text(json.dumps({"loss": history[-1], "epochs": options.epochs}))
