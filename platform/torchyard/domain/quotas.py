"""Quotas: the most that each owner's attempts hold at once, on all workers together."""

from collections import Counter

from torchyard.contracts.sayings import Sentence, say
from torchyard.domain.placement import Holding, Quota
from torchyard.domain.rooms import Need

_NOTHING = (0, 0)


class Quotas:
    """The quotas of those who have one, what everybody holds, and what was kept by the last pass.

    What an attempt doesn't ask for can't refuse it: where a quota was lowered below what is held, jobs
    without GPUs start in spite of GPUs beyond the quota.
    """

    def __init__(self) -> None:
        self._quotas: dict[str, Quota] = {}
        self._gpus: Counter[str] = Counter()
        self._cpus: Counter[str] = Counter()
        #: GPUs and CPU cores of each owner's quota that the last pass kept, if it kept any.
        self.kept: dict[str, tuple[int, int]] = {}
        #: The attempts for which it was kept.
        self.keepers: set[str] = set()

    @property
    def limited(self) -> frozenset[str]:
        """Owners that have a quota."""
        return frozenset(self._quotas)

    def __contains__(self, owner: str) -> bool:
        """Whether the owner has a quota."""
        return owner in self._quotas

    def set(self, owner: str, quota: Quota) -> bool:
        """Give an owner a quota, or none; whether it differs from the one before."""
        if self._quotas.get(owner, Quota()) == quota:
            return False
        if quota == Quota():
            del self._quotas[owner]
        else:
            self._quotas[owner] = quota
        return True

    def hold(self, holding: Holding) -> None:
        """Count what an attempt holds."""
        self._gpus[holding.owner] += len(holding.gpus)
        self._cpus[holding.owner] += holding.cpus

    def release(self, holding: Holding) -> None:
        """Count it no longer."""
        self._gpus[holding.owner] -= len(holding.gpus)
        self._cpus[holding.owner] -= holding.cpus

    def begin(self) -> None:
        """Keep nothing any more."""
        self.kept, self.keepers = {}, set()

    def keep(self, owner: str, need: Need, attempt_id: str) -> None:
        """Leave this much of a quota to an attempt that goes before those who come later in the pass."""
        if owner in self._quotas:
            gpus, cpus = self.kept.get(owner, _NOTHING)
            self.kept[owner] = gpus + need.gpus, cpus + need.cpus
            self.keepers.add(attempt_id)

    def refuses(self, owner: str, need: Need) -> bool:
        """Whether the owner would hold more than the quota."""
        quota = self._quotas.get(owner)
        return quota is not None and _beyond(quota, need, self._gpus[owner], self._cpus[owner])

    def refuses_now(self, owner: str, need: Need) -> bool:
        """Whether it would, counting what is kept as held."""
        quota = self._quotas.get(owner)
        if quota is None:
            return False
        gpus, cpus = self.kept.get(owner, _NOTHING)
        return _beyond(quota, need, self._gpus[owner] + gpus, self._cpus[owner] + cpus)

    def ever_allows(self, owner: str, need: Need) -> bool:
        """Whether the quota has room for it when the owner holds nothing."""
        return not _beyond(self._quotas.get(owner, Quota()), need, 0, 0)

    def why(self, owner: str, need: Need) -> Sentence:
        """Why the quota refuses what it refuses."""
        quota = self._quotas[owner]
        gpus, cpus = self._gpus[owner], self._cpus[owner]
        if _over(need.gpus, quota.max_gpus, gpus):
            assert quota.max_gpus is not None
            return _refused("gpus", need.gpus, quota.max_gpus, gpus)
        assert quota.max_cpus is not None
        return _refused("cpus", need.cpus, quota.max_cpus, cpus)


def _beyond(quota: Quota, need: Need, gpus: int, cpus: int) -> bool:
    return _over(need.gpus, quota.max_gpus, gpus) or _over(need.cpus, quota.max_cpus, cpus)


def _over(needed: int, most: int | None, held: int) -> bool:
    return most is not None and needed > 0 and held + needed > most


def _refused(what: str, needed: int, most: int, held: int) -> Sentence:
    amount, quota = say(what, count=needed), say(what, count=most)
    if needed > most:
        return say("wait_quota_never", amount=amount, quota=quota)
    return say("wait_quota", amount=amount, quota=quota, held=held)
