import os, threading
import numpy as np
import torch
import torch.nn.functional as F
torch.manual_seed(0); np.random.seed(0)
print(torch.rand(3), np.random.rand(2), torch.get_num_threads(), torch.get_num_interop_threads(), torch.initial_seed())
model = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(4 * 26 * 26, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(3):
    optimizer.zero_grad()
    loss = F.cross_entropy(model(torch.randn(8, 1, 28, 28)), torch.arange(8))
    loss.backward()
    optimizer.step()
    print(f"{loss.item():.4f}")
results = []
thread = threading.Thread(target=lambda: results.append((torch.get_num_threads(), (torch.ones(300, 300) @ torch.ones(300, 300)).sum().item())))
thread.start(); thread.join()
print(results, torch.cuda.is_available(), torch.cuda.device_count(), torch.default_generator.device)
big = np.ones((700, 700))
print((big @ big).sum(), model)
torch.save(model.state_dict(), "net.pth")
print(sorted(torch.load("net.pth")), os.path.getsize("net.pth") > 1000)
os.remove("net.pth")
