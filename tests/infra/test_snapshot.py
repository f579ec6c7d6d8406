"""Every change of a template is seen by whoever makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.infra.snapshot import KEPT, masked, templates

if TYPE_CHECKING:
    from tests.infra.conftest import Synth


def test_the_templates_are_those_that_were_last_looked_at(synth: Synth) -> None:
    made = templates(synth.outdir)

    assert sorted(made) == sorted(path.name for path in KEPT.iterdir())
    for name, text in made.items():
        # On purpose? make synth && .venv/bin/python -m tests.infra.snapshot
        assert text == (KEPT / name).read_text(encoding="utf-8"), name


def test_only_hashes_of_content_are_left_out() -> None:
    asset = {"S3Key": f"{'0f' * 32}.zip", "Ref": "CallsTable76B31347", "Image": f"repository:{'ab' * 32}"}

    assert masked([asset]) == [{"S3Key": "<hash>.zip", "Ref": "CallsTable76B31347", "Image": "repository:<hash>"}]
