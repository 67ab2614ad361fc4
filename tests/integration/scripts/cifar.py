import argparse
import pickle

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--data", default="cifar-10-batches-py")
parser.add_argument("--epochs", type=int, default=2)
args = parser.parse_args()


def unpickle(name):
    with open(f"{args.data}/{name}", "rb") as file:
        return pickle.load(file, encoding="bytes")


def images(*names):
    batches = [unpickle(name) for name in names]
    data = np.concatenate([batch[b"data"] for batch in batches]).reshape(-1, 3, 32, 32)
    labels = [label for batch in batches for label in batch[b"labels"]]
    return torch.from_numpy(data).float() / 127.5 - 1, torch.tensor(labels)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc = nn.Linear(16 * 5 * 5, 10)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        return self.fc(torch.flatten(x, 1))


torch.manual_seed(0)
classes = [name.decode() for name in unpickle("batches.meta")[b"label_names"]]
inputs, labels = images("data_batch_1", "data_batch_2")
net, criterion = Net(), nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
for epoch in range(args.epochs):
    for start in range(0, len(inputs), 4):
        optimizer.zero_grad()
        loss = criterion(net(inputs[start : start + 4]), labels[start : start + 4])
        loss.backward()
        optimizer.step()
    print(f"[{epoch + 1}] loss: {loss.item():.3f}")
torch.save(net.state_dict(), "cifar_net.pth")

inputs, labels = images("test_batch")
with torch.no_grad():
    predictions = net(inputs).argmax(1)
for index, name in enumerate(classes):
    here = labels == index
    correct = (predictions[here] == index).float().mean().item()
    print(f"Accuracy for class: {name:5s} is {100 * correct:.1f} %")
