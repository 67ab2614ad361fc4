"""An image classifier on data in the CIFAR-10 python format, with per-class accuracy and a saved model."""

import pickle

import numpy as np
import torch
from torch import nn, optim

CLASSES = ("plane", "car", "bird")


def load(path):
    with open(path, "rb") as file:
        batch = pickle.load(file, encoding="bytes")
    images = np.asarray(batch[b"data"], dtype=np.uint8).reshape(-1, 3, 32, 32)
    return torch.from_numpy(images.astype(np.float32) / 255), torch.tensor(batch[b"labels"])


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 5, stride=3)
        self.out = nn.Linear(4 * 10 * 10, len(CLASSES))

    def forward(self, x):
        return self.out(torch.relu(self.conv(x)).flatten(1))


torch.manual_seed(0)
images, labels = load("cifar-10-batches-py/data_batch_1")
device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
net = nn.DataParallel(Net()).to(device)
criterion, optimiser = nn.CrossEntropyLoss(), optim.Adam(net.parameters(), lr=0.01)
for _epoch in range(80):
    optimiser.zero_grad()
    loss = criterion(net(images.to(device)), labels.to(device))
    loss.backward()
    optimiser.step()
print(f"finished training, loss {loss.item():.3f}")

torch.save(net.module.state_dict(), "./cifar_net.pth")
restored = Net()
restored.load_state_dict(torch.load("./cifar_net.pth", weights_only=True))
with torch.no_grad():
    predicted = restored(images).argmax(1)
for index, name in enumerate(CLASSES):
    mine = labels == index
    print(f"Accuracy for class {name:5s}: {100 * (predicted[mine] == index).float().mean().item():.1f} %")
