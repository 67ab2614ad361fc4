import torch
@torch.jit.script
def added(a, b):
    return a + b
class Net(torch.nn.Module):
    def forward(self, x):
        if bool(x.sum() > 0):
            return x
        return -x
print(added(torch.ones(2), torch.ones(2)), torch.jit.script(Net())(torch.ones(2)))
print(torch.jit.wait(torch.jit.fork(torch.add, torch.ones(1), 1)))
print(added.code)
torch.jit.trace(torch.nn.Linear(2, 2), torch.ones(2))
