"""Which lines a job's requirements may have."""

import pytest
from pydantic import ValidationError

from torchyard.contracts.jobs import JobSettings
from torchyard.contracts.requirements import RequirementsInvalid, plain_requirements, requirements_in

PLAIN = """
# what the training needs
pandas>=2,<4   # tables
torchmetrics[image]==1.4

scikit_learn ; python_version >= "3.9"
einops
timm \\
    >=1.0
"""


def test_plain_requirements_are_taken_without_comments() -> None:
    assert plain_requirements(PLAIN) == [
        "pandas>=2,<4",
        "torchmetrics[image]==1.4",
        'scikit_learn ; python_version >= "3.9"',
        "einops",
        "timm     >=1.0",
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("-e .", "the option '-e .' is not allowed"),
        ("-r other.txt", "the option '-r other.txt' is not allowed"),
        ("--index-url https://example.org/simple", "is not allowed"),
        ("-f /srv/wheels", "is not allowed"),
        ("--extra-index-url=https://example.org", "is not allowed"),
        ("pandas --hash=sha256:00", "has an option"),
        ("https://example.org/a-1.0-py3-none-any.whl", "is a URL"),
        ("git+https://example.org/a.git", "is a URL"),
        ("a @ https://example.org/a.zip", "names a URL"),
        ("a @ file:///etc/passwd", "names a URL"),
        ("./a", "is a path"),
        ("../a-1.0.whl", "is a path"),
        ("/srv/a-1.0.whl", "is a path"),
        ("C:\\a.whl", "is a path"),
        ("a b", "is no requirement"),
        ("a==", "is no requirement"),
        ("a\x1b[2J", "can't be printed"),
    ],
)
def test_anything_else_is_refused_with_its_line(line: str, reason: str) -> None:
    with pytest.raises(RequirementsInvalid, match=r"^line 3: ") as refusal:
        plain_requirements(f"pandas\n# next\n{line}\nnumpy\n")
    assert reason in str(refusal.value)


def test_a_file_is_read_as_utf8_with_or_without_a_mark() -> None:
    assert requirements_in("\ufeffpandas  # 表\n".encode()) == ["pandas"]
    with pytest.raises(RequirementsInvalid, match=r"^it is no UTF-8$"):
        requirements_in("pandas".encode("utf-16"))
    with pytest.raises(RequirementsInvalid, match=r"^at most 65536 bytes are allowed$"):
        requirements_in(b"#" * 65_537)


def test_a_line_in_pieces_is_refused_by_its_first() -> None:
    with pytest.raises(RequirementsInvalid, match=r"^line 2: "):
        plain_requirements("pandas\n-\\\nr other.txt\n")


def test_too_long_a_text_is_refused() -> None:
    with pytest.raises(RequirementsInvalid, match="65536 bytes"):
        plain_requirements("#" * 65537)


@pytest.mark.parametrize("text", ["-e .", "a\x00", "é" * 40_000])
def test_a_job_with_others_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        JobSettings(requirements=text)


def test_the_code_and_the_line_reach_the_caller() -> None:
    with pytest.raises(ValidationError) as refusal:
        JobSettings(requirements="pandas\n-e .")
    [problem] = refusal.value.errors()
    assert (problem["loc"], problem["type"]) == (("requirements",), "requirements_invalid")
    assert problem["msg"] == "line 2: the option '-e .' is not allowed, only requirements are"
