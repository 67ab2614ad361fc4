"""Which files of a directory are not sent: `.torchyardignore`, else `.gitignore`, by Git's rules."""

from pathlib import Path

from pathspec import GitIgnoreSpec
from pathspec.patterns.gitignore import GitIgnorePatternError

from torchyard.errors import InvalidInput

#: The one for us alone, and the one that is mostly there anyway.
OURS, GITS = ".torchyardignore", ".gitignore"


class Ignored:
    """The rules of one directory and of the folders in it; a folder's own come after those above it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._file = OURS if (root / OURS).is_file() else GITS
        self._specs: dict[str, GitIgnoreSpec | None] = {}

    def holds(self, path: str) -> bool:
        """Whether the path, relative to the root and with a slash at the end of a folder's, is not sent.

        Raises:
            InvalidInput: A rule can't be understood.
        """
        folder = path.removesuffix("/")
        while folder:
            folder = folder.rpartition("/")[0]
            spec = self._spec(folder)
            verdict = spec.check_file(path.removeprefix(f"{folder}/")).include if spec else None
            if verdict is not None:
                return verdict
        return False

    def _spec(self, folder: str) -> GitIgnoreSpec | None:
        if folder not in self._specs:
            self._specs[folder] = self._read(self._root / folder / self._file)
        return self._specs[folder]

    def _read(self, file: Path) -> GitIgnoreSpec | None:
        if not file.is_file():
            return None
        try:
            return GitIgnoreSpec.from_lines(file.read_text(errors="surrogateescape").splitlines())
        except GitIgnorePatternError as problem:
            raise InvalidInput(
                f"{file} can't be understood: {problem}", code="ignore_file_invalid", field="dependencies"
            ) from problem
