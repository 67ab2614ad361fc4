from torchyard.contracts.sayings import Saying, reread, say, saying_of, spoken


def test_a_sentence_knows_what_it_says() -> None:
    where = say("at_line", line=3, script="train.py", exit_code=1)
    told = say("script_raised", exception="ValueError: x", where=where)
    assert told == "The script raised ValueError: x at line 3 of train.py (exit code 1)."
    inner = Saying(code="at_line", facts={"line": 3, "script": "train.py", "exit_code": 1})
    assert saying_of(told) == Saying(
        code="script_raised", facts={"exception": "ValueError: x", "where": inner}
    )


def test_one_is_told_otherwise_than_many_and_lists_are_joined() -> None:
    assert say("wait_turn", count=1) == "waits for its turn: 1 job is ahead"
    assert say("wait_turn", count=2) == "waits for its turn: 2 jobs are ahead"
    amounts = [say("gpus", count=2), say("cpus", count=1), say("memory", mb=8)]
    told = say("wait_short_together", amounts=amounts)
    assert told == "needs 2 GPUs, 1 CPU core and 8 MiB of memory on one worker; none has all of it free"


def test_a_sentence_comes_back_from_where_it_was_stored() -> None:
    told = say("run_failed", node="train", why=say("node_skipped"))
    columns = spoken(told)
    assert type(columns["sentence"]) is str
    again = reread(columns["sentence"], columns["saying"])
    assert (again, saying_of(again)) == (told, saying_of(told))
    assert spoken(None) == {"sentence": None, "saying": None}
    assert reread("of an older version", None) == "of an older version"
    assert saying_of("plain") is None
