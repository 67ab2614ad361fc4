"""Fits a curve to the points of a CSV file with one learning rate; leaves model and metrics in outputs/."""

import argparse
import csv
import json
from pathlib import Path

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--data", type=Path, required=True)
parser.add_argument("--lr", type=float, required=True)
parser.add_argument("--epochs", type=int, default=150)
options = parser.parse_args()
torch.manual_seed(0)

with (options.data / "points.csv").open() as file:
    rows = [[float(row["x"]), float(row["y"])] for row in csv.DictReader(file)]
x, y = torch.tensor(rows).split(1, dim=1)

net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=options.lr)
loss = torch.tensor(0.0)
for epoch in range(1, options.epochs + 1):
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(net(x), y)
    loss.backward()
    optimizer.step()
    if epoch % 25 == 0 or epoch == options.epochs:
        print(f"lr {options.lr}  epoch {epoch:4}  loss {loss.item():.5f}", flush=True)

outputs = Path("outputs")
outputs.mkdir(exist_ok=True)
torch.save(net.state_dict(), outputs / "model.pth")
(outputs / "metrics.json").write_text(json.dumps({"lr": options.lr, "loss": loss.item()}))
