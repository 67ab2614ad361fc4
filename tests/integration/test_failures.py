"""How scripts fail on the real runtime, and the sentence that their job then tells."""

import json
from typing import Any

import pytest
from tests.factories import make_zip
from tests.stack import PATIENCE, Stack
from tests.waiting import eventually

OUT_OF_MEMORY = (
    "CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 139.80 GiB of which "
    "1.00 GiB is free. Of the allocated memory 137.50 GiB is allocated by PyTorch, and 0.5 GiB is reserved."
)


def ended(stack: Stack, script: str, *, zipped: bytes | None = None, **spec: Any) -> Any:
    files = {"script": ("main.py", script.encode())}
    if zipped is not None:
        files["dependencies"] = ("deps.zip", zipped)
    with stack.api() as api:
        answer = api.post("/jobs", files=files, data={"spec": json.dumps(spec)})
        assert answer.status_code == 201, answer.text
        path = f"/jobs/{answer.json()['id']}"
        return eventually(
            lambda: job if (job := api.get(path).json())["state"] in {"succeeded", "failed"} else None,
            seconds=PATIENCE,
        )


def told(stack: Stack, script: str, **more: Any) -> tuple[str, str]:
    job = ended(stack, script, **more)
    assert job["state"] == "failed", job
    return job["reason"], job["sentence"]


def test_an_exception_is_told_with_the_script_s_line_that_led_to_it(stack: Stack) -> None:
    deep = "import torch\n\n\ndef step():\n    return torch.ones(2, 3) @ torch.ones(2, 3)\n\n\nstep()\n"

    reason, sentence = told(stack, deep)

    assert reason == "script_error"
    assert sentence.startswith("The script raised RuntimeError: mat1 and mat2 shapes cannot be multiplied")
    assert sentence.endswith(" at line 5 of main.py (exit code 1).")


@pytest.mark.parametrize(
    ("module", "package"),
    [
        ("cv2", "opencv-python-headless"),
        ("yaml", "PyYAML"),
        ("skimage", "scikit-image"),
        ("bs4", "beautifulsoup4"),
    ],
)
def test_a_missing_module_is_told_with_the_package_to_install(
    stack: Stack, module: str, package: str
) -> None:
    _, sentence = told(stack, f"import torch\nimport {module}\n")

    assert sentence == (
        f"The script could not import '{module}' at line 2 of main.py (exit code 1): the runtime "
        f"'torch-2.13-cpu' lacks it; add {package} to the job's requirements."
    )


@pytest.mark.parametrize("kind", ["torch.OutOfMemoryError", "torch.cuda.OutOfMemoryError", "RuntimeError"])
def test_a_full_gpu_is_a_reason_of_its_own_with_its_sizes(stack: Stack, kind: str) -> None:
    reason, sentence = told(stack, f"import torch\n\nraise {kind}({OUT_OF_MEMORY!r})\n")

    assert reason == "gpu_out_of_memory"
    assert sentence == (
        "The GPU ran out of memory at line 3 of main.py (exit code 1): it asked GPU 0 for 20.00 GiB more; "
        "of its 139.80 GiB, 1.00 GiB was free, and its tensors held 137.50 GiB; smaller batches need less."
    )


def test_a_file_in_a_folder_of_the_zip_is_told_with_its_place(stack: Stack) -> None:
    zipped = make_zip({"project/data/train.csv": "1,2\n", "project/README": ""})

    _, sentence = told(stack, "import pandas\npandas.read_csv('data/train.csv')\n", zipped=zipped)

    assert sentence == (
        "The script found no file 'data/train.csv' at line 2 of main.py (exit code 1): it lies at "
        "'project/data/train.csv' of deps.zip, seen from the script's folder."
    )


def test_a_file_that_is_nowhere_is_told_with_what_was_there(stack: Stack) -> None:
    zipped = make_zip({"weights/net-10.pth": "", "weights/net-20.pth": ""})

    _, sentence = told(stack, "import torch\ntorch.load('weights/net_10.pth')\n", zipped=zipped)

    assert sentence == (
        "The script found no file 'weights/net_10.pth' at line 2 of main.py (exit code 1): the folder "
        "'weights' holds 'net-10.pth', 'net-20.pth'."
    )


def test_a_path_of_another_machine_is_told_as_such(stack: Stack) -> None:
    _, sentence = told(stack, "from PIL import Image\nImage.open('/home/me/cat.png')\n")

    assert (
        "found no file '/home/me/cat.png' at line 2 of main.py (exit code 1): it is no path below" in sentence
    )
    assert sentence.endswith("the script's folder holds 'inputs/', 'main.py', 'outputs/'.")
