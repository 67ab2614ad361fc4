from typing import Any

import pytest

from torchyard.contracts.jobs import FileRef, JobSpec, JobState, Reason, Resources
from torchyard.contracts.runner import Cause, MissingFile, Outcome
from torchyard.domain.failures import explain

SHA = "0" * 64
ZIP = FileRef(sha256=SHA, name="deps.zip")


def spec(*, dependencies: FileRef | None = None, timeout_seconds: int = 86400) -> JobSpec:
    return JobSpec(
        name="train",
        script=FileRef(sha256=SHA, name="train.py"),
        dependencies=dependencies,
        resources=Resources(memory_mb=2048, timeout_seconds=timeout_seconds),
        runtime="torch-2.13-cpu",
    )


def exited(
    exit_code: int | None = None,
    *,
    signal: int | None = None,
    exception: str | None = None,
    script_line: int | None = None,
    peak_memory_mb: int | None = None,
) -> Outcome:
    return Outcome(
        cause=Cause.EXITED,
        exit_code=exit_code,
        signal=signal,
        exception=exception,
        script_line=script_line,
        peak_memory_mb=peak_memory_mb,
    )


def test_exit_code_0_is_success_even_after_a_traceback() -> None:
    ending = explain(exited(0, exception="ValueError: was caught", script_line=3), spec())
    assert (ending.state, ending.reason) == (JobState.SUCCEEDED, None)
    assert ending.sentence == "The script ended with exit code 0."


CASES = [
    (
        exited(1, exception="ValueError: bad lr", script_line=12),
        Reason.SCRIPT_ERROR,
        "The script raised ValueError: bad lr at line 12 of train.py (exit code 1).",
    ),
    (
        exited(1, exception="KeyError: 'lr'."),
        Reason.SCRIPT_ERROR,
        "The script raised KeyError: 'lr' (exit code 1).",
    ),
    (
        exited(1, exception="ValueError: a\n  b \x1b[31mred", script_line=1),
        Reason.SCRIPT_ERROR,
        "The script raised ValueError: a b \ufffd[31mred at line 1 of train.py (exit code 1).",
    ),
    (exited(3), Reason.SCRIPT_ERROR, "The script exited with code 3."),
    (exited(1), Reason.SCRIPT_ERROR, "The script exited with code 1."),
    (exited(1, exception=" "), Reason.SCRIPT_ERROR, "The script exited with code 1."),
    (
        exited(3, exception="ValueError: was caught", script_line=4),
        Reason.SCRIPT_ERROR,
        "The script exited with code 3.",
    ),
    (
        exited(
            1, exception="torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB.", script_line=7
        ),
        Reason.GPU_OUT_OF_MEMORY,
        (
            "The GPU ran out of memory at line 7 of train.py (exit code 1): "
            "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB."
        ),
    ),
    (
        exited(1, exception="torch.cuda.OutOfMemoryError: no room"),
        Reason.GPU_OUT_OF_MEMORY,
        "The GPU ran out of memory (exit code 1): torch.cuda.OutOfMemoryError: no room.",
    ),
    (
        exited(1, exception="RuntimeError: CUDA out of memory"),
        Reason.GPU_OUT_OF_MEMORY,
        "The GPU ran out of memory (exit code 1): RuntimeError: CUDA out of memory.",
    ),
    (
        exited(1, exception="torch.AcceleratorError: CUDA error: out of memory"),
        Reason.GPU_OUT_OF_MEMORY,
        "The GPU ran out of memory (exit code 1): torch.AcceleratorError: CUDA error: out of memory.",
    ),
    (
        exited(1, exception="MemoryError", script_line=2, peak_memory_mb=1900),
        Reason.OUT_OF_MEMORY,
        (
            "The script ran out of memory at line 2 of train.py (exit code 1); "
            "it used up to 1900 MiB and had asked for 2048 MiB: MemoryError."
        ),
    ),
    (
        exited(1, exception="numpy._core._exceptions._ArrayMemoryError: Unable to allocate 7 GiB"),
        Reason.OUT_OF_MEMORY,
        (
            "The script ran out of memory (exit code 1): "
            "numpy._core._exceptions._ArrayMemoryError: Unable to allocate 7 GiB."
        ),
    ),
    (
        exited(1, exception="RuntimeError: DefaultCPUAllocator: can't allocate memory: 7 bytes"),
        Reason.OUT_OF_MEMORY,
        (
            "The script ran out of memory (exit code 1): "
            "RuntimeError: DefaultCPUAllocator: can't allocate memory: 7 bytes."
        ),
    ),
    (
        exited(1, exception="OSError: [Errno 28] No space left on device", script_line=5),
        Reason.DISK_QUOTA,
        (
            "The script found the disk full at line 5 of train.py (exit code 1): "
            "OSError: [Errno 28] No space left on device."
        ),
    ),
    (
        exited(signal=9, peak_memory_mb=2047),
        Reason.SIGNALED,
        (
            "The script was ended by SIGKILL, most often because the machine ran out of memory; "
            "it used up to 2047 MiB and had asked for 2048 MiB."
        ),
    ),
    (
        exited(signal=11, peak_memory_mb=10),
        Reason.SIGNALED,
        "The script was ended by SIGSEGV, a crash inside a compiled library.",
    ),
    (exited(signal=10), Reason.SIGNALED, "The script was ended by SIGUSR1."),
    (exited(signal=45), Reason.SIGNALED, "The script was ended by signal 45."),
    (exited(), Reason.INTERNAL, "The script ended, but how it ended is not known."),
    (
        Outcome(cause=Cause.WORKER_LOST),
        Reason.WORKER_LOST,
        "The worker went away before the job had ended.",
    ),
    (
        Outcome(cause=Cause.WORKER_LOST, detail="the machine was started anew."),
        Reason.WORKER_LOST,
        "The worker went away before the job had ended: the machine was started anew.",
    ),
    (
        Outcome(cause=Cause.ARCHIVE_REJECTED, detail="'../x' is not a plain path inside the archive"),
        Reason.ARCHIVE_REJECTED,
        "The dependencies were refused on the worker: '../x' is not a plain path inside the archive.",
    ),
    (
        Outcome(cause=Cause.DEPENDENCY_CONFLICT, detail="train.py is the script and in deps.zip"),
        Reason.DEPENDENCY_CONFLICT,
        (
            "Two of the job's files have the same path and different content: "
            "train.py is the script and in deps.zip."
        ),
    ),
    (
        Outcome(cause=Cause.RUNTIME_UNAVAILABLE, detail="its interpreter is gone"),
        Reason.RUNTIME_UNAVAILABLE,
        "The worker could not start the runtime 'torch-2.13-cpu': its interpreter is gone.",
    ),
    (Outcome(cause=Cause.DISK_QUOTA), Reason.DISK_QUOTA, "The job used up its disk space."),
    (
        Outcome(cause=Cause.INTERNAL, detail="the shim did not start"),
        Reason.INTERNAL,
        "Torchyard itself failed to run the job, which is not the script's fault: the shim did not start.",
    ),
]


@pytest.mark.parametrize(("outcome", "reason", "sentence"), CASES)
def test_a_failure_has_a_reason_and_a_sentence(outcome: Outcome, reason: Reason, sentence: str) -> None:
    ending = explain(outcome, spec())
    assert (ending.state, ending.reason, ending.sentence) == (JobState.FAILED, reason, sentence)


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_is_explained_in_one_sentence(cause: Cause) -> None:
    sentence = explain(Outcome(cause=cause), spec(dependencies=ZIP)).sentence
    assert sentence.endswith(".")
    assert not sentence.endswith("..")
    assert "\n" not in sentence


def test_a_missing_module_is_named_with_where_modules_come_from() -> None:
    outcome = exited(1, exception="ModuleNotFoundError: No module named 'sklearn.svm'", script_line=3)
    assert explain(outcome, spec()).sentence == (
        "The script could not import 'sklearn.svm' at line 3 of train.py (exit code 1): the runtime "
        "'torch-2.13-cpu' lacks it; add scikit-learn to the job's requirements."
    )


def test_a_missing_module_that_is_no_known_package_may_be_a_file() -> None:
    outcome = exited(1, exception="ModuleNotFoundError: No module named 'features'", script_line=3)
    assert explain(outcome, spec()).sentence == (
        "The script could not import 'features' at line 3 of train.py (exit code 1): the runtime "
        "'torch-2.13-cpu' lacks it, and the job has no dependencies zip; add a package to its requirements, "
        "or files to such a zip."
    )
    ending = explain(outcome, spec(dependencies=ZIP))
    assert ending.reason is Reason.SCRIPT_ERROR
    assert ending.sentence == (
        "The script could not import 'features' at line 3 of train.py (exit code 1): neither the runtime "
        "'torch-2.13-cpu' nor deps.zip has it at its top level; if it is a package, add it to the job's "
        "requirements."
    )


def test_a_missing_module_in_a_folder_of_the_zip_is_found_there() -> None:
    outcome = exited(1, exception="ModuleNotFoundError: No module named 'features'", script_line=3)
    outcome = outcome.model_copy(update={"archive_folder": "src"})
    assert explain(outcome, spec(dependencies=ZIP)).sentence == (
        "The script could not import 'features' at line 3 of train.py (exit code 1): it lies in the folder "
        "'src' of deps.zip, so import it as 'src.features', or take that folder's name away."
    )


@pytest.mark.parametrize(
    ("module", "package"),
    [
        ("sklearn", "scikit-learn"), ("cv2", "opencv-python-headless"), ("PIL", "pillow"), ("yaml", "PyYAML"),
        ("skimage", "scikit-image"), ("seaborn", "seaborn"),
    ],
)  # fmt: skip
def test_a_missing_module_is_told_by_its_package_s_name(module: str, package: str) -> None:
    outcome = exited(1, exception=f"ModuleNotFoundError: No module named '{module}'")
    assert f"; add {package} to the job's requirements." in explain(outcome, spec()).sentence


NEW = (
    "{kind}: CUDA out of memory. Tried to allocate 20.00 GiB. GPU {gpu} has a total capacity of 139.80 GiB "
    "of which 1.00 GiB is free. Including non-PyTorch memory, this process has 138.79 GiB memory in use. Of "
    "the allocated memory 137.50 GiB is allocated by PyTorch, and 512.00 MiB is reserved by PyTorch but "
    "unallocated. If reserved but unallocated memory is large try setting "
    "PYTORCH_ALLOC_CONF=expandable_segments:True to avoid fragmentation.  See documentation for Memory "
)
OLD = (
    "RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB (GPU 0; 11.17 GiB total capacity; 9.56 GiB "
    "already allocated; 512 bytes free; 9.60 GiB reserved in total by PyTorch) If reserved memory is >> "
    "allocated memory try setting max_split_size_mb to avoid fragmentation."
)


@pytest.mark.parametrize(
    "kind",
    ["torch.OutOfMemoryError", "torch.cuda.OutOfMemoryError", "RuntimeError", "torch.AcceleratorError"],
)
def test_a_full_gpu_is_told_with_the_sizes_that_torch_names(kind: str) -> None:
    ending = explain(exited(1, exception=NEW.format(kind=kind, gpu=3), script_line=7), spec())
    assert ending.reason is Reason.GPU_OUT_OF_MEMORY
    assert ending.sentence == (
        "The GPU ran out of memory at line 7 of train.py (exit code 1): it asked GPU 3 for 20.00 GiB more; "
        "of its 139.80 GiB, 1.00 GiB was free, and its tensors held 137.50 GiB; smaller batches need less."
    )


def test_a_full_gpu_is_told_as_older_torches_say_it_too() -> None:
    ending = explain(exited(1, exception=OLD), spec())
    assert ending.reason is Reason.GPU_OUT_OF_MEMORY
    assert ending.sentence == (
        "The GPU ran out of memory (exit code 1): it asked GPU 0 for 2.00 GiB more; of its 11.17 GiB, 512 "
        "bytes were free, and its tensors held 9.56 GiB; smaller batches need less."
    )


@pytest.mark.parametrize(
    "exception",
    [
        "RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "RuntimeError: cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "RuntimeError: CUDA error: out of memory",
        "torch.OutOfMemoryError: HIP out of memory. Tried to allocate 1 GiB.",
    ],
)
def test_a_full_gpu_is_known_where_no_sizes_are_told(exception: str) -> None:
    ending = explain(exited(1, exception=exception), spec())
    assert ending.reason is Reason.GPU_OUT_OF_MEMORY
    assert exception.rstrip(".") in ending.sentence


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        (
            {"found_at": ["src/train.csv"], "in_archive": True},
            "it lies at 'src/train.csv' of deps.zip, seen from the script's folder",
        ),
        (
            {"found_at": ["outputs/train.csv", "b/train.csv"]},
            "it lies at 'outputs/train.csv' (and at 'b/train.csv'), seen from the script's folder",
        ),
        (
            {"folder": "data", "holds": ["train.csv.gz", "x/"], "more": 3},
            "the folder 'data' holds 'train.csv.gz', 'x/' and 3 more",
        ),
        (
            {"lacking": "data/raw", "holds": ["main.py"]},
            "there is no folder 'data/raw'; the script's folder holds 'main.py'",
        ),
        ({"folder": "data"}, "the folder 'data' is empty"),
        (
            {"outside": True, "holds": ["main.py"]},
            (
                "it is no path below the script's own folder, where the job's files are; give the file with "
                "the job and open it by its name alone; the script's folder holds 'main.py'"
            ),
        ),
        ({"holds": ["\x1b[2J", "n" * 500]}, f"the script's folder holds '\ufffd[2J', '…{'n' * 79}'"),
    ],
)
def test_a_missing_file_is_told_with_what_was_there(missing: dict[str, Any], words: str) -> None:
    outcome = exited(1, exception="FileNotFoundError: [Errno 2] …", script_line=3)
    missed = MissingFile.model_validate({"path": "train.csv", **missing})
    ending = explain(outcome.model_copy(update={"missing_file": missed}), spec(dependencies=ZIP))
    assert ending.reason is Reason.SCRIPT_ERROR
    assert ending.sentence == (
        f"The script found no file 'train.csv' at line 3 of train.py (exit code 1): {words}."
    )


def test_the_refused_dependencies_are_named_whether_zip_or_directory() -> None:
    ending = explain(Outcome(cause=Cause.ARCHIVE_REJECTED, detail="it is cut off"), spec(dependencies=ZIP))
    assert ending.sentence == "The dependencies deps.zip were refused on the worker: it is cut off."


def test_a_long_exception_is_cut() -> None:
    sentence = explain(exited(1, exception="ValueError: " + "x" * 1900), spec()).sentence
    assert len(sentence) < 400
    assert "…" in sentence


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (86400, "its limit of 1 day and"),
        (90000, "its limit of 1 day 1 hour and"),
        (5400, "its limit of 1 hour 30 minutes and"),
        (1, "its limit of 1 second and"),
        (172861, "its limit of 2 days 1 minute 1 second and"),
        (0, "its time limit and"),
    ],
)
def test_a_timeout_tells_the_limit_in_words(seconds: int, words: str) -> None:
    ending = explain(Outcome(cause=Cause.TIMEOUT, signal=15), spec(timeout_seconds=seconds))
    assert (ending.state, ending.reason) == (JobState.FAILED, Reason.TIMEOUT)
    assert words in ending.sentence


@pytest.mark.parametrize(
    ("outcome", "sentence"),
    [
        (Outcome(cause=Cause.CANCELLED, signal=15), "Cancelled while it ran."),
        (Outcome(cause=Cause.CANCELLED, exit_code=0), "Cancelled while it ran."),
        (Outcome(cause=Cause.CANCELLED), "Cancelled."),
    ],
)
def test_a_cancelled_job_is_no_failure(outcome: Outcome, sentence: str) -> None:
    ending = explain(outcome, spec())
    assert (ending.state, ending.reason, ending.sentence) == (JobState.CANCELLED, None, sentence)
