"""Names of files that people upload."""

from pydantic_core import PydanticCustomError

#: Bytes of a file name, as file systems count.
MAX_NAME_BYTES = 200


def plain_file_name(name: str) -> str:
    """The name, if it is one and no path, and no program takes it for an option.

    Raises:
        PydanticCustomError: `file_name_invalid`.
    """
    if (
        name in {"", ".", ".."}
        or "/" in name
        or "\\" in name
        or name.startswith("-")
        or not name.isprintable()
    ):
        raise PydanticCustomError(
            "file_name_invalid", "must be a plain file name without a path, and must not start with '-'"
        )
    if len(name.encode()) > MAX_NAME_BYTES:
        raise PydanticCustomError(
            "file_name_invalid",
            "must have at most {bytes} bytes in UTF-8",
            {"bytes": MAX_NAME_BYTES, "says": "file_name_too_long"},
        )
    return name
