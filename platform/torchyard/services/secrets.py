"""Secrets: named values of a user, sealed in the database; in clear they go to workers alone."""

from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr
from sqlalchemy.orm import Session

from torchyard.contracts.jobs import MAX_VALUE_BYTES
from torchyard.contracts.sayings import say
from torchyard.contracts.secrets import SecretValue, StoredSecret
from torchyard.domain import masking, substitution
from torchyard.errors import FieldInvalid, NotFound, SealBroken, SecretInUse
from torchyard.services.context import Context
from torchyard.services.users import User
from torchyard.storage import secrets
from torchyard.storage.tables import JobRow, SecretRow


def all_of(session: Session, owner: User) -> list[StoredSecret]:
    """The user's secrets, by name, without their values."""
    return [
        StoredSecret(name=row.name, created_at=row.created_at) for row in secrets.of_user(session, owner.id)
    ]


def put(ctx: Context, session: Session, owner: User, name: str, secret: SecretValue) -> StoredSecret:
    """Store a secret, or give it another value. Jobs that have not started get the new one."""
    now = ctx.clock.now()
    sealed = ctx.sealer.seal(secret.value.get_secret_value())
    secrets.put(session, SecretRow(owner_id=owner.id, name=name, sealed=sealed, created_at=now))
    return StoredSecret(name=name, created_at=now)


def remove(session: Session, owner: User, name: str) -> None:
    """Forget a secret.

    Raises:
        NotFound: `secret_not_found`.
        SecretInUse: A job that has not ended refers to it.
    """
    if secrets.find(session, owner.id, name) is None:
        raise NotFound(say("no_such_secret", name=name), code="secret_not_found")
    for job, spec in secrets.open_jobs(session, owner.id):
        if name in _named(spec):
            raise SecretInUse(
                say("secret_needed", job=job), hint="cancel the job, or wait for its end", job=job
            )
    secrets.remove(session, owner.id, name)


def resolve(
    ctx: Context, session: Session, owner_id: str, environment: Mapping[str, str]
) -> dict[str, SecretStr]:
    """The environment with the owner's secrets put in.

    Raises:
        FieldInvalid: `secret_unknown`, `parameter_unknown`; or `env_not_allowed`: a value became too long.
        SealBroken: A secret can't be read any more.
    """
    names = substitution.secrets_named(environment.values())
    rows = secrets.of_user(session, owner_id, names) if names else []
    clear = {row.name: _clear(ctx, row) for row in rows}
    resolved = {}
    for variable, value in environment.items():
        text = substitution.substitute(value, clear)
        if len(text.encode()) > MAX_VALUE_BYTES:
            raise FieldInvalid(
                f"{variable} has a value of more than {MAX_VALUE_BYTES} bytes with its secrets put in",
                code="env_not_allowed",
                field="environment",
            )
        resolved[variable] = SecretStr(text)
    return resolved


def mentioned(session: Session, job_id: str) -> bool:
    """Whether the job refers to secrets."""
    environment = secrets.environment_of(session, job_id)
    return substitution.mentions_secrets(environment.values())


def to_mask(ctx: Context, session: Session, job: JobRow) -> list[bytes]:
    """What has to be masked in all that is shown of the job: its owner's secrets, if it refers to any.

    They are the values of now: one that was replaced or removed since the job ran is not known any more.
    """
    if not substitution.mentions_secrets(job.spec.get("environment", {}).values()):
        return []
    values = []
    for row in secrets.of_user(session, job.owner_id):
        try:
            values.append(_clear(ctx, row))
        except SealBroken:  # nobody knows its value
            continue
    return masking.maskable(values)


def rotate(ctx: Context, session: Session) -> tuple[int, list[str]]:
    """Encrypt all users' secrets with the newest key; how many those were, and what no key opens."""
    renewed, unreadable = 0, []
    for row in secrets.all_of(session):
        try:
            row.sealed = ctx.sealer.renew(row.sealed, row.name)
            renewed += 1
        except SealBroken:
            unreadable.append(f"secret {row.name}")
    return renewed, unreadable


def _clear(ctx: Context, row: SecretRow) -> str:
    return ctx.sealer.unseal(row.sealed, f"the secret {row.name!r}")


def _named(spec: dict[str, Any]) -> set[str]:
    try:
        return substitution.secrets_named(spec.get("environment", {}).values())
    except FieldInvalid:  # a job from before references were read
        return set()
