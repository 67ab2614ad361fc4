"""LeNet: defined, printed, and tried on one picture of noise."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class LeNet(nn.Module):
    """The net that read digits on cheques."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Scores of the ten digits."""
        x = functional.max_pool2d(functional.relu(self.conv1(x)), 2)
        x = functional.max_pool2d(functional.relu(self.conv2(x)), 2)
        x = x.flatten(1)
        return self.fc3(functional.relu(self.fc2(functional.relu(self.fc1(x)))))


torch.manual_seed(0)
net = LeNet()
print(net)
print(f"parameters: {sum(one.numel() for one in net.parameters()):,}")
print("scores of noise:", net(torch.rand(1, 1, 32, 32)).detach().numpy().round(3))
