"""Trees on both databases: taken whole or not at all, and kept for as long as a job needs them."""

import hashlib
import threading

from tests.factories import make_create, submit

from torchyard.contracts.jobs import FileRef
from torchyard.contracts.trees import Tree, TreeAnswer, TreeEntry
from torchyard.services import blobs, jobs, trees
from torchyard.services.context import Context
from torchyard.services.reconciling import Reconciler
from torchyard.storage.tables import TreeFileRow, TreeRow

DAYS = 86400.0


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def tree(*contents: bytes) -> Tree:
    return Tree(
        entries=[
            TreeEntry(path=f"{number}.txt", sha256=digest(content), size=len(content))
            for number, content in enumerate(contents)
        ]
    )


def taken(ctx: Context, *contents: bytes) -> str:
    blobs.store_all(ctx, [(digest(content), [content]) for content in contents])
    answer = trees.offer(ctx, tree(*contents))
    assert answer.missing == []
    return answer.sha256


def rows(ctx: Context) -> tuple[int, int]:
    with ctx.db.read() as session:
        return session.query(TreeRow).count(), session.query(TreeFileRow).count()


def test_nothing_of_a_tree_is_stored_until_all_of_its_files_are_there(ctx: Context) -> None:
    blobs.store_all(ctx, [(digest(b"one"), [b"one"])])

    answer = trees.offer(ctx, tree(b"one", b"other", b"other"))

    assert answer.missing == [digest(b"other")]
    assert not ctx.objects.exists(answer.sha256)
    assert rows(ctx) == (0, 0)


def test_two_offers_of_one_tree_at_once_make_one(ctx: Context) -> None:
    blobs.store_all(ctx, [(digest(text), [text]) for text in (b"one", b"other")])
    answers: list[TreeAnswer] = []
    offering = [
        threading.Thread(target=lambda: answers.append(trees.offer(ctx, tree(b"one", b"other", b"one"))))
        for _ in range(4)
    ]
    for thread in offering:
        thread.start()
    for thread in offering:
        thread.join()

    assert len(answers) == 4
    assert {answer.sha256 for answer in answers} == {tree(b"one", b"other", b"one").digest()}
    assert all(answer.missing == [] for answer in answers)
    assert rows(ctx) == (1, 2)


def test_thousands_of_files_are_taken(ctx: Context) -> None:
    contents = [str(number).encode() for number in range(1200)]
    for some in (contents[:600], contents[600:]):
        blobs.store_all(ctx, [(digest(content), [content]) for content in some])

    assert trees.offer(ctx, tree(*contents)).missing == []
    assert rows(ctx) == (1, 1200)


def test_what_a_job_needs_stays_and_the_rest_goes(ctx: Context) -> None:
    kept, unused = taken(ctx, b"kept", b"both"), taken(ctx, b"unused", b"both")
    brought = FileRef(sha256=kept, name="src")
    jobs.check_uploaded(ctx, make_create(ctx, dependencies=brought))
    submit(ctx, dependencies=brought)

    for _ in range(2):
        ctx.clock.advance(2 * DAYS)  # type: ignore[attr-defined]
        Reconciler(ctx).look()

    there = {content: ctx.objects.exists(digest(content)) for content in (b"kept", b"both", b"unused")}
    assert there == {b"kept": True, b"both": True, b"unused": False}
    assert (ctx.objects.exists(kept), ctx.objects.exists(unused)) == (True, False)
    assert rows(ctx) == (1, 2)
