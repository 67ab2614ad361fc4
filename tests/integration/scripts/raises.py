"""One that raises."""

import torch

weights = torch.zeros(3, 4)
print("multiplying", tuple(weights.shape))
weights @ torch.zeros(3)
