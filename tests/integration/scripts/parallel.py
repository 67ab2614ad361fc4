"""A net over as many GPUs as there are, as the tutorial on data parallelism has it."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")


class RandomDataset(Dataset):
    def __init__(self, size, length):
        self.data = torch.randn(length, size)

    def __getitem__(self, index):
        return self.data[index]

    def __len__(self):
        return len(self.data)


class Model(nn.Module):
    def __init__(self, input_size, output_size):
        super().__init__()
        self.fc = nn.Linear(input_size, output_size)

    def forward(self, x):
        output = self.fc(x)
        print("\tIn Model: input size", x.size(), "output size", output.size())
        return output


loader = DataLoader(dataset=RandomDataset(5, 100), batch_size=30, shuffle=True)
model = nn.DataParallel(Model(5, 2)).to(device)
for data in loader:
    output = model(data.to(device))
    print("Outside: input size", data.size(), "output_size", output.size())
print(len(model.device_ids), "GPUs")
