import multiprocessing, os, sys, threading
import torch
from torch.utils.data import DataLoader, Dataset
class Squares(Dataset):
    def __len__(self):
        return 6
    def __getitem__(self, index):
        return torch.tensor(index) ** 2
def work(number):
    return number * 2, __name__ in ("__main__", "__mp_main__"), sys.argv[1:], len(multiprocessing.current_process().authkey)
if __name__ == "__main__":
    multiprocessing.set_start_method(os.environ["START_METHOD"])
    a, b = torch.randn(200, 200, requires_grad=True), torch.randn(200, 200)
    (a @ b).sum().backward()
    print(a.grad.shape, torch.get_num_threads())
    with multiprocessing.Pool(2) as pool:
        print(pool.map(work, [1, 2]))
    queue = multiprocessing.Queue()
    process = multiprocessing.Process(target=queue.put, args=("sent",))
    process.start()
    print(queue.get(), process.join(), process.exitcode)
    print([batch.tolist() for batch in DataLoader(Squares(), batch_size=2, num_workers=2)])
