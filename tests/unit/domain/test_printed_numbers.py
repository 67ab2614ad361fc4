"""Lines as trainings print them, and what they say; and lines that say nothing."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchyard.domain.printed_numbers import MAX_LINE, Bar, Count, read_line

SAYING = [
    # PyTorch's examples
    ("Train Epoch: 1 [640/60000 (1%)]\tLoss: 2.303", {"Loss": 2.303}),
    (
        "Test set: Average loss: 0.0468, Accuracy: 9842/10000 (98%)",
        {"Test set Average loss": 0.0468, "Test set Accuracy": 98.0},
    ),
    ("[1,  2000] loss: 2.213", {"loss": 2.213}),
    ("loss: 2.301156  [   64/60000]", {"loss": 2.301156}),
    (" Accuracy: 44.7%, Avg loss: 2.157", {"Accuracy": 44.7, "Avg loss": 2.157}),
    (
        (
            "Epoch: [0][ 10/5005]\tTime  0.313 ( 1.234)\tData  0.000 ( 0.5)\tLoss 7.0123e+00 (7.0345e+00)"
            "\tAcc@1   0.39 (  0.12)"
        ),
        {"Loss": 7.0123, "Acc@1": 0.39},
    ),
    (" *   Acc@1 69.758 Acc@5 89.078", {"Acc@1": 69.758, "Acc@5": 89.078}),
    # dicts and JSON
    (
        "{'loss': 0.5, 'grad_norm': 1.2, 'learning_rate': 5e-05, 'epoch': 0.5}",
        {"loss": 0.5, "grad_norm": 1.2, "learning_rate": 5e-05},
    ),
    ("{'loss': '0.5', 'epoch': '0.5'}", {"loss": 0.5}),
    ('{"step": 100, "val": {"loss": 3}, "lr": 1e-3, "time": 12.3, "ok": true}', {"lr": 0.001}),
    ("Epoch 3: {'acc': np.float64(0.91), 'loss': tensor(0.4, device='cuda:0')}", {"acc": 0.91, "loss": 0.4}),
    # names and values
    ("Epoch 3/10, loss: 0.43, acc: 0.91", {"loss": 0.43, "acc": 0.91}),
    ("epoch 3 loss 0.43 acc 0.91", {"loss": 0.43, "acc": 0.91}),
    ("epoch=3, loss=0.5", {"loss": 0.5}),
    ("Epoch [1/5], Step [100/600], Loss: 0.4", {"Loss": 0.4}),
    ("Finished epoch 3 with loss: 0.5", {"loss": 0.5}),
    ("loss 0.5", {"loss": 0.5}),
    ("took 3.2 s, loss: 0.3", {"loss": 0.3}),
    ("loss: tensor(0.43, device='cuda:0', grad_fn=<NllLossBackward0>)", {"loss": 0.43}),
    ("Train: loss 0.3 acc 0.9 | Val: loss 0.4", {"Train loss": 0.3, "Train acc": 0.9, "Val loss": 0.4}),
    ("[val] loss: 0.3", {"val loss": 0.3}),
    ("\x1b[32mloss\x1b[0m: \x1b[1m-1.5e-3\x1b[0m", {"loss": -0.0015}),
    ("第 3/10 轮 损失: 0.43 准确率：91.2%", {"损失": 0.43, "准确率": 91.2}),  # noqa: RUF001 - as people write
    # nanoGPT, gradient boosting, OpenMMLab, loggers
    ("iter 100: loss 10.98, time 345.33ms, mfu -100.00%", {"loss": 10.98, "mfu": -100.0}),
    ("step 0: train loss 10.9, val loss 10.8", {"train loss": 10.9, "val loss": 10.8}),
    ("step  100 | loss: 2.3 | lr 3.00e-04 | dt: 300ms | tok/sec: 12000", {"loss": 2.3, "lr": 0.0003}),
    ("[10]\tvalidation_0-logloss:0.5\tvalidation_1-logloss:0.6",
     {"validation_0-logloss": 0.5, "validation_1-logloss": 0.6}),
    ("[100]\tvalid_0's l2: 0.24", {"valid_0's l2": 0.24}),
    (
        (
            "2026-01-31 12:00:00,123 - mmdet - INFO - Epoch [1][50/1875]\tlr: 1.0e-02, eta: 1:23:45, "
            "time: 0.3, memory: 3000, loss: 2.3"
        ),
        {"lr": 0.01, "loss": 2.3},
    ),
    ("I0131 12:00:00.123456 1234 train.py:12] loss = 0.5", {"loss": 0.5}),
    ("INFO:root:loss = 0.25", {"loss": 0.25}),
    ("[rank0]: step 5 loss 0.1", {"loss": 0.1}),
    # bars
    (" 45%|████▌     | 450/1000 [00:10<00:12, 45.0it/s, loss=0.4]", {"loss": 0.4}),
    (
        "Epoch 3:  45%|████▌     | 450/1000 [00:10<00:12, 45.0it/s, v_num=0, train_loss=0.4]",
        {"train_loss": 0.4},
    ),
    ("loss=0.43:  45%|████▌     | 450/1000 [00:10<?, ?it/s]", {"loss": 0.43}),
    (
        "1875/1875 ━━━━━━━━━━━━━━━━━━━━ 5s 2ms/step - accuracy: 0.8 - loss: 0.6 - val_loss: 0.5",
        {"accuracy": 0.8, "loss": 0.6, "val_loss": 0.5},
    ),
    (
        " 938/1875 [==============>...............] - ETA: 3s - loss: 0.3052 - accuracy: 0.9114",
        {"loss": 0.3052, "accuracy": 0.9114},
    ),
    (
        "Epoch 3/9 ━━━━━━━━━━ 450/1000 0:00:10 • 0:00:12 45.0it/s v_num: 0 train_loss: 0.4",
        {"train_loss": 0.4},
    ),
]  # fmt: skip

SILENT = [
    "Using device: cuda:0",
    "Python 3.11.2",
    "torch 2.13.0",
    "torch 2.13",
    "version: 2.13",
    "Listening on http://127.0.0.1:8000",
    "http://host/?loss=0.5&acc=0.3",
    "addr: 10.0.0.1",
    "10.0.0.1 - - [31/Jan/2026:12:00:00 +0000] GET / 200",
    "Date: 2026-01-31 12:30",
    "Sat Nov 21 17:05:36 UTC 2026",
    "2026-01-31 12:00:00,123 INFO starting",
    "Found 3 GPUs",
    "Loaded 60000 samples in 3.2 s",
    "Accuracy of the network on the 10000 test images: 55 %",
    "Saving checkpoint to /data/epoch=3-val_loss=0.12.ckpt",
    "/data/loss=0.43/weights.pt",
    "python train.py --lr 0.1 --epochs 10 --loss=0.5",
    '  File "train.py", line 12, in <module>',
    "ValueError: 5",
    "RuntimeError: shape '[2, 3]' is invalid for input of size 5",
    "/usr/lib/x.py:123: UserWarning: lr: 0.1",
    "Total params: 61,706",
    "Trainable params: 7.9 K",
    "Conv2d-1           [-1, 6, 28, 28]             156",
    "|  1 | 0.43 | 0.9 |",
    "│        test_acc           │    0.9812   │",
    "      1/100     2.3G   1.2   3.4        64",
    " 64 0.5 0.3",
    "tensor([0.1, 0.2, 0.3])",
    "sizes: 1, 2, 3",
    "elapsed: 12.3",
    "Time: 3.5s",
    "train_runtime: 12.3",
    "100%|██████████| 9.91M/9.91M [00:00<00:00, 18.1MB/s]",
    "5/10 files copied",
    "==> 3/10",
    "commit 3f2a1b0",
    "id: 12",
    "seed=42",
    "0x1f: 3f",
    "",
    "   ",
    "{}",
    "{'a': [1, 2], 'b': {'c': 1}}",
    "a" * (MAX_LINE + 1) + " loss: 0.5",
]


@pytest.mark.parametrize(("text", "numbers"), SAYING)
def test_numbers_are_read_with_their_names(text: str, numbers: dict[str, float]) -> None:
    line = read_line(text)

    assert line is not None
    assert {number.name: number.value for number in line.numbers} == pytest.approx(numbers)


@pytest.mark.parametrize("text", SILENT)
def test_what_is_no_report_says_nothing(text: str) -> None:
    line = read_line(text)

    assert line is None or not (line.numbers or line.bar)


@pytest.mark.parametrize(
    ("text", "epoch", "step", "batch"),
    [
        ("Epoch 3/10", Count(3, 10), None, None),
        ("Epoch 3 of 10", Count(3, 10), None, None),
        ("Epoch: 3", Count(3), None, None),
        ("Train Epoch: 1 [640/60000 (1%)]\tLoss: 2.303", Count(1), None, Count(640, 60000)),
        ("Epoch [1/5], Step [100/600], Loss: 0.4", Count(1, 5), None, Count(100, 600)),
        ("step 100: loss 0.4", None, 100, None),
        ("[1,  2000] loss: 2.213", Count(1), None, Count(2000)),
        ("{'loss': 0.5, 'epoch': 0.5}", Count(0.5), None, None),
        ("第 3/10 轮", Count(3, 10), None, None),
        ("num_epochs: 10, max_steps: 500", None, None, None),
        ("Best epoch: 5", None, None, None),
    ],
)
def test_places_in_the_training_are_read(
    text: str, epoch: Count | None, step: float | None, batch: Count | None
) -> None:
    line = read_line(text)

    assert (line and line.epoch, line and line.step, line and line.batch) == (epoch, step, batch)


def test_a_bar_tells_how_far_it_is_and_what_is_left() -> None:
    shown = read_line("train:  45%|████▌     | 450/1000 [00:10<01:12, 45.0it/s]")
    unknown = read_line("  0%|          | 0/1000 [00:00<?, ?it/s]")

    assert shown is not None
    assert shown.bar == Bar("train", 450, 1000, 72)
    assert unknown is not None
    assert unknown.bar == Bar("", 0, 1000, None)


def test_what_is_no_number_is_told_as_such() -> None:
    line = read_line("loss: nan, best: inf, lr: -1E-4")

    assert line is not None
    values = [number.value for number in line.numbers]
    assert math.isnan(values[0])
    assert values[1:] == [math.inf, -0.0001]


HOSTILE = [
    "a " * 1000,
    "a:" * 1000,
    "a.b-" * 500,
    "'" * MAX_LINE,
    "{" * 1000 + "}" * 1000,
    "{" + "'a':" * 499 + "}",
    "1/" * 1000,
    "[" * MAX_LINE,
    "epoch " * 333,
    "%|" * 1000,
    "1%|" + "|" * 1900,
    "9" * MAX_LINE,
    "loss: " + "9" * 1990,
    "a" + " " * 1990 + ":",
    "\x1b[" * 1000,
    "= " * 1000,
    "|" * MAX_LINE,
    "Error(" * 333,
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.timeout(5)
def test_no_line_takes_long(text: str) -> None:
    for _ in range(20):
        read_line(text[:MAX_LINE])


@given(st.text(alphabet="ab01 .:=%|/[](){}'\",-+eE\t", max_size=200))
def test_any_line_is_read_without_an_error(text: str) -> None:
    read_line(text)
