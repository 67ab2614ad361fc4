"""A training loop on data from the zip, with workers, that saves what it learned."""

import argparse

import numpy as np
import torch
from features import standardised  # comes from the zip
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Points(Dataset):
    def __init__(self, path):
        table = np.loadtxt(path, delimiter=",", dtype=np.float32)
        self.inputs, self.targets = standardised(table[:, :2]), table[:, 2:]

    def __len__(self):
        return len(self.inputs)

    def __getitem__(self, index):
        return torch.from_numpy(self.inputs[index]), torch.from_numpy(self.targets[index])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--lr", type=float, default=0.1)
    arguments = parser.parse_args()
    torch.manual_seed(1)
    model = nn.Linear(2, 1)
    optimiser = torch.optim.SGD(model.parameters(), lr=arguments.lr)
    loader = DataLoader(Points("data/points.csv"), batch_size=16, shuffle=True, num_workers=2)
    for epoch in range(1, arguments.epochs + 1):
        total = 0.0
        for inputs, targets in loader:
            optimiser.zero_grad()
            loss = nn.functional.mse_loss(model(inputs), targets)
            loss.backward()
            optimiser.step()
            total += loss.item()
        print(f"epoch {epoch}/{arguments.epochs} loss {total / len(loader):.4f}")
    torch.save(model.state_dict(), "./model.pth")


if __name__ == "__main__":
    main()
