"""What is encrypted at rest, and the keys for it.

Fernet (AES-128-CBC with HMAC-SHA256). The first key seals; all of them unseal, so that keys can be changed
one after the other.
"""

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from torchyard.errors import SealBroken, StartRefused


def new_key() -> str:
    """A fresh key: 32 random bytes in URL-safe base64."""
    return Fernet.generate_key().decode()


class Sealer:
    """Seals and unseals text."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Take the keys, newest first.

        Raises:
            StartRefused: There is none, or one of them is no key.
        """
        try:
            self._keys = MultiFernet([Fernet(key) for key in keys])
        except ValueError:
            raise StartRefused(
                "a key for secrets (TORCHYARD_SECRET_KEYS, or the file secret-key in the home) is no key: "
                "it has to be 32 bytes in URL-safe base64"
            ) from None

    def seal(self, clear: str) -> str:
        """The text, encrypted with the newest key."""
        return self._keys.encrypt(clear.encode()).decode()

    def unseal(self, sealed: str, what: str) -> str:
        """The text that was sealed.

        Args:
            sealed: What `seal` gave.
            what: What it is, for the error.

        Raises:
            SealBroken: None of the keys opens it.
        """
        try:
            return self._keys.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise _broken(what) from None

    def renew(self, sealed: str, what: str) -> str:
        """The same, encrypted with the newest key.

        Raises:
            SealBroken: None of the keys opens it.
        """
        try:
            return self._keys.rotate(sealed.encode()).decode()
        except InvalidToken:
            raise _broken(what) from None


def _broken(what: str) -> SealBroken:
    return SealBroken(
        f"{what} was encrypted with a key that the platform no longer has",
        hint="give the platform that key again (TORCHYARD_SECRET_KEYS, or the file secret-key in its home), "
        "or set the value anew",
    )
