"""A first job: defines a small network, shows it, and trains it on data it makes up itself."""

import torch
from torch import nn

torch.manual_seed(0)

net = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))
print(net)

# Is a point inside the unit circle?
points = torch.rand(2048, 2) * 3 - 1.5
inside = (points.norm(dim=1, keepdim=True) < 1).float()

optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
loss_function = nn.BCEWithLogitsLoss()
for step in range(1, 201):
    optimizer.zero_grad()
    loss = loss_function(net(points), inside)
    loss.backward()
    optimizer.step()
    if step % 20 == 0:
        right = ((net(points) > 0) == (inside > 0.5)).float().mean().item()
        print(f"step {step:3}  loss {loss.item():.4f}  right {right:.1%}")

torch.save(net.state_dict(), "model.pth")
print("saved model.pth; it is kept as an artifact of this job")
