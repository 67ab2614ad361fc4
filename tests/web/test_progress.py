"""How far a script says it is, seen on its node."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.stack import Stack
from tests.web.conftest import Visit
from tests.web.editing import Editor, gated, made

BAR = "\r 43%|████▎     | 43/100 [00:05<59:00,  8.20it/s]"


@pytest.mark.parametrize(
    ("printed", "share"), [("Epoch 3/10", "20 %"), (BAR, "43 %")], ids=["an epoch", "a bar of tqdm"]
)
def test_a_running_node_shows_how_far_its_script_says_it_is(
    stack: Stack, visit: Visit, tmp_path: Path, printed: str, share: str
) -> None:
    gate = tmp_path / "gate"
    page = visit(f"/workflows/{made(stack, f'at {share}', {'train': gated(gate, printed, 'done')})}")
    editor = Editor(page)
    editor.run()
    ring = editor.node("train").get_by_role("progressbar", name=f"{share} done")
    expect(ring).to_have_text(share)
    if printed == BAR:
        expect(ring).to_have_attribute("aria-valuetext", re.compile(rf"^{share} done, about 5\d:\d\d left$"))
    gate.touch()
    editor.stands("train", "Succeeded")
    expect(ring).to_have_count(0)
