from typing import Any

import pytest

from torchyard.contracts.runner import Finish, Outcome, Report
from torchyard.contracts.sayings import Saying, received, reread, say, saying_of, sent, spoken


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


def test_lines_cross_to_another_process_with_what_they_say() -> None:
    started = say("start_cold", why=say("cold_variable", name="LANG"))
    report = Report(number=1, message=started, before=["plain", say("files", count=2)])
    final = Finish(
        outcome=Outcome(cause="worker_lost", detail=say("claim_unheard")),
        messages=[say("log_lost", size="1 B", name="x")],
    )

    reported = Report.model_validate_json(report.model_dump_json())
    finished = Finish.model_validate_json(final.model_dump_json())

    assert (reported, finished) == (report, final)
    assert saying_of(reported.message) == started.saying
    assert [saying_of(line) for line in reported.before] == [None, Saying(code="files", facts={"count": 2})]
    assert saying_of(finished.outcome.detail) == Saying(code="claim_unheard")
    assert saying_of(finished.messages[0]) == Saying(code="log_lost", facts={"size": "1 B", "name": "x"})


@pytest.mark.parametrize("saying", [None, "x", {}, {"code": "of_tomorrow", "facts": {"a": {"odd": 1}}}])
def test_what_a_newer_peer_says_otherwise_is_told_in_english(saying: Any) -> None:
    told = Report.model_validate({"number": 1, "message": {"text": "in English", "saying": saying}})
    assert (told.message, saying_of(told.message)) == ("in English", None)


def test_what_no_database_takes_is_replaced_in_a_saying_too() -> None:
    facts = {"name\x00": "a\x00", "names": ["\ud800"], "inner": {"code": "x", "facts": {"a": "\x00"}}}
    told = Report.model_validate(
        {"number": 1, "message": {"text": "\x00", "saying": {"code": "x", "facts": facts}}}
    )
    inner = Saying(code="x", facts={"a": "\ufffd"})
    assert told.message == "\ufffd"
    assert saying_of(told.message) == Saying(
        code="x", facts={"name\ufffd": "a\ufffd", "names": ["?"], "inner": inner}
    )


def test_a_line_is_written_down_and_read_again() -> None:
    said = say("cold_threads")
    assert (received(sent(said)), saying_of(received(sent(said)))) == (said, said.saying)
    assert sent("plain") == received("plain") == "plain"
    assert received(None) is None
