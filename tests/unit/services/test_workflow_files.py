"""Workflows made of files and written to files again, on both databases."""

import pytest
from tests.factories import admin

from torchyard.contracts.workflow_reading import opened
from torchyard.errors import FieldInvalid, NotFound, WorkflowFileInvalid
from torchyard.services import templates, workflow_files
from torchyard.services.context import Context
from torchyard.testing import MemoryObjects

FILE = """\
torchyard: 1
name: 'no'
parameters:
  z: {type: string, default: '007'}
  a: {type: choice, default: 1, choices: [1, one, true]}
nodes:
  z:
    script:
      name: z.py
      text: |
        print("z")
    environment: {A: '1', B: 'on', Z: ''}
  a:
    settings:
      arguments: 5
      needs: nobody
    needs: [z]
edges:
  - {source: z, target: nowhere, when: failure}
schedule:
  cron: 0 0 * * *
  time_zone: UTC
  ends_at: '2027-01-01T00:00:00Z'
  parameters:
    z: '2026-01-31'
notifications:
  - {url: 'https://example.org/a', when: success}
  - {url: 'https://example.org/b'}
layout:
  positions:
    z: [1.5, -2]
    gone: [0, 0]
  viewport: [0, 0, 1]
"""


def made(ctx: Context, text: str) -> str:
    file = workflow_files.store(ctx, opened(text.encode()))
    owner = admin(ctx)
    with ctx.db.write() as session:
        return workflow_files.create(ctx, session, file, owner).id


def test_a_file_comes_back_as_it_was(ctx: Context) -> None:
    assert workflow_files.export(ctx, made(ctx, FILE)) == ("no", FILE)


def test_so_does_every_template(ctx: Context) -> None:
    for one in templates.all_of():
        text = templates.get(one.name).yaml
        assert workflow_files.export(ctx, made(ctx, text))[1] == text


def test_a_file_that_is_gone_is_named_by_its_digest(ctx: Context) -> None:
    workflow_id = made(ctx, FILE)
    assert isinstance(ctx.objects, MemoryObjects)
    (sha256,) = opened(FILE.encode()).texts
    ctx.objects.delete(sha256)
    assert f"script: {{name: z.py, sha256: {sha256}}}" in workflow_files.export(ctx, workflow_id)[1]


def test_what_can_t_be_made_is_refused(ctx: Context) -> None:
    with pytest.raises(WorkflowFileInvalid, match="which is not here"):
        made(ctx, FILE.replace("    settings:", "    script: a.py\n    settings:"))
    with pytest.raises(FieldInvalid) as refused:
        made(ctx, FILE.replace("    z: '2026-01-31'", "    nothing: 1"))
    assert refused.value.field == "schedule.parameters.nothing"
    with pytest.raises(NotFound):
        workflow_files.export(ctx, "00000000-0000-0000-0000-000000000000")
    with pytest.raises(NotFound):
        templates.get("none")
