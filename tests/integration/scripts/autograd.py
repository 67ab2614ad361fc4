"""Tensors and gradients, as a course begins."""

import torch

x = torch.ones(2, 2, requires_grad=True)
y = x + 2
z = y * y * 3
out = z.mean()
out.backward()
print(out.item())
print(x.grad)
with torch.no_grad():
    print((x**2).requires_grad)
