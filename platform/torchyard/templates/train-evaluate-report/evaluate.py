"""Evaluates the net that `train` left, and draws what it has learned; leaves metrics in outputs/."""

import json
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn

trained = torch.load("inputs/train/model.pth", weights_only=True)
net = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 2))
net.load_state_dict(trained["net"])
points, label = trained["points"], trained["label"]

with torch.no_grad():
    accuracy = (net(points).argmax(1) == label).float().mean().item()
    axis = torch.linspace(-1.2, 1.2, 200)
    grid = torch.cartesian_prod(axis, axis)
    chance = net(grid).softmax(1)[:, 1].reshape(200, 200).T
print(f"accuracy {accuracy:.1%}")

plt.figure(figsize=(6, 5))
plt.contourf(axis, axis, chance, levels=20, cmap="RdBu", alpha=0.7)
plt.scatter(points[:, 0], points[:, 1], c=label, cmap="RdBu", edgecolors="black", linewidths=0.3, s=12)
plt.title(f"accuracy {accuracy:.1%}")
plt.show()  # becomes a picture among this job's artifacts

outputs = Path("outputs")
outputs.mkdir(exist_ok=True)
(outputs / "metrics.json").write_text(json.dumps({"accuracy": accuracy}))
