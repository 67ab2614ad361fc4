"""What is told about a file that a script did not find."""

from pathlib import Path

import pytest

from torchyard.contracts.jobs import FileRef, JobSpec
from torchyard.contracts.runner import ClaimedAttempt, MissingFile
from torchyard_worker import missing_files, spooling
from torchyard_worker.spooling import AttemptDirectory

FILES = (
    "main.py",
    "features.py",
    "src/data/train.csv",
    "src/data/test.csv",
    "data/Labels.CSV",
    "outputs/a.pth",
)


def claimed(*, dependency_paths: str = "") -> ClaimedAttempt:
    spec = JobSpec(
        name="a job",
        runtime="test",
        script=FileRef(sha256="0" * 64, name="main.py"),
        dependencies=FileRef(sha256="1" * 64, name="deps.zip"),
        dependency_paths=dependency_paths,
    )
    return ClaimedAttempt(attempt_id="one", job_id="job", number=1, spec=spec)


def directory_of(tmp_path: Path, **spec: str) -> AttemptDirectory:
    directory = spooling.create(tmp_path / "attempt", claimed(**spec))
    for name in FILES:
        (directory.work / name).parent.mkdir(parents=True, exist_ok=True)
        (directory.work / name).touch()
    directory.write("manifest.json", {name: [0, 0] for name in FILES if not name.startswith("outputs/")})
    return directory


@pytest.fixture
def directory(tmp_path: Path) -> AttemptDirectory:
    return directory_of(tmp_path)


def told(directory: AttemptDirectory, path: str) -> MissingFile:
    exception = f"FileNotFoundError: [Errno 2] No such file or directory: {path!r}"
    found = missing_files.look_for(directory, exception)
    assert found is not None
    return found


def test_the_folder_of_the_path_is_told_with_what_is_like_it_first(directory: AttemptDirectory) -> None:
    assert told(directory, "src/data/trian.csv") == MissingFile(
        path="src/data/trian.csv", folder="src/data", holds=["train.csv", "test.csv"]
    )
    assert told(directory, "feature.py").holds == ["features.py", "data/", "main.py", "outputs/", "src/"]
    assert told(directory, str(directory.work / "src" / "x")).folder == "src"


def test_a_file_of_the_zip_in_another_folder_is_told_with_its_place(directory: AttemptDirectory) -> None:
    missing = told(directory, "train.csv")
    assert (missing.found_at, missing.in_archive) == (["src/data/train.csv"], True)
    other_case = told(directory, "labels.csv")
    assert (other_case.found_at, other_case.in_archive) == (["data/Labels.CSV"], True)
    of_the_script = told(directory, "a.pth")
    assert (of_the_script.found_at, of_the_script.in_archive) == (["outputs/a.pth"], False)


def test_a_file_is_not_said_to_be_the_zip_s_where_it_may_have_come_from_elsewhere(tmp_path: Path) -> None:
    missing = told(directory_of(tmp_path, dependency_paths="s3://data/src/"), "train.csv")

    assert (missing.found_at, missing.in_archive) == (["src/data/train.csv"], False)


def test_a_folder_that_is_not_there_is_told_with_the_last_one_that_is(directory: AttemptDirectory) -> None:
    missing = told(directory, "src/images/cats/1.png")

    assert (missing.lacking, missing.folder, missing.holds) == ("src/images/cats", "src", ["data/"])


@pytest.mark.parametrize("path", ["/home/me/nothing.bin", "../nothing.bin", "C:\\Users\\me\\nothing.bin"])
def test_what_lies_outside_of_the_script_s_folder_is_not_told(directory: AttemptDirectory, path: str) -> None:
    (directory.path / "secret.txt").touch()

    missing = told(directory, path)

    assert missing.folder == ""
    assert "secret.txt" not in missing.holds
    assert missing.outside == (not path.startswith("C:"))


def test_a_file_is_found_by_the_name_in_a_path_of_another_machine(directory: AttemptDirectory) -> None:
    for path in ("/home/me/data/train.csv", "C:\\Users\\me\\data\\train.csv"):
        assert told(directory, path).found_at == ["src/data/train.csv"]


def test_links_out_of_the_script_s_folder_are_not_followed(directory: AttemptDirectory) -> None:
    (directory.path / "private").mkdir()
    (directory.path / "private" / "secret.txt").touch()
    (directory.work / "link").symlink_to(directory.path / "private")

    missing = told(directory, "link/secret")

    assert (missing.folder, missing.lacking, missing.found_at) == ("", "link", [])
    assert "secret.txt" not in missing.holds


def test_of_many_names_ten_are_told(directory: AttemptDirectory) -> None:
    for number in range(50):
        (directory.work / "data" / f"{number:02}.png").touch()

    missing = told(directory, "data/50.png")

    assert (len(missing.holds), missing.more) == (10, 41)


def test_a_name_that_is_no_text_can_be_told(directory: AttemptDirectory) -> None:
    (directory.work / "data" / "\udcff.png").touch()

    missing = told(directory, "data/x")

    assert MissingFile.model_validate_json(missing.model_dump_json()) == missing


@pytest.mark.parametrize(
    ("exception", "path"),
    [
        ('FileNotFoundError: [Errno 2] No such file or directory: "it\'s.csv"', "it's.csv"),
        ("FileNotFoundError: [Errno 2] No such file or directory: b'x.bin'", "x.bin"),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'a' -> 'b'", "a"),
        ("FileNotFoundError: x.txt not found.", "x.txt"),
        (
            (
                "FileNotFoundError: [Errno 2] Unable to synchronously open file (unable to open file: "
                "name = 'x.h5', errno = 2, error message = 'No such file or directory', flags = 0)"
            ),
            "x.h5",
        ),
    ],
)
def test_the_file_is_known_by_how_libraries_say_it(
    directory: AttemptDirectory, exception: str, path: str
) -> None:
    missing = missing_files.look_for(directory, exception)
    assert missing is not None
    assert missing.path == path


@pytest.mark.parametrize(
    "exception",
    [
        None,
        "ValueError: no",
        "FileNotFoundError",
        "FileNotFoundError: [Errno 2] No such file or directory: ''",
        "FileNotFoundError: [Errno 2] No such file or directory: 'cut",
        f"FileNotFoundError: [Errno 2] No such file or directory: '{'x' * 1500}'",
    ],
)
def test_other_exceptions_miss_no_file(directory: AttemptDirectory, exception: str | None) -> None:
    assert missing_files.look_for(directory, exception) is None
