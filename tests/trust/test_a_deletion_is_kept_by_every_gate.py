"""A recording that its owner deletes right before a gate is asked goes through it no more than one that is withdrawn.

The gates are those of `tests/trust/gates.py`, each at its own worst moment; only what happens then is another thing.
Uploads are left out: who deletes may go on sending.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from sqlalchemy.exc import NoResultFound

from corpus.collaborators import Collaborators
from corpus.speech.decoder import Decoder
from ingest.delete_recordings import delete_recordings
from tests.factories import make_lender
from tests.trust.gates import GATES, Gate, Scene
from tests.trust.grounds import Ground
from tests.trust.moments import Moment, right_before


class Deleting(Scene):
    """Whoever leaves deletes everything instead, and goes on agreeing."""

    __slots__ = ()

    @contextmanager
    def left(self, moment: Moment, also: Callable[[], None] = lambda: None) -> Iterator[Collaborators]:
        def delete_all() -> None:
            delete_recordings(self.house, self.leaving.account_id)
            also()

        with right_before(self.house, moment, delete_all) as watched:
            yield watched


@pytest.mark.parametrize(
    "gate", [gate for gate in GATES if gate.row != "upload"], ids=lambda gate: gate.name.replace(" ", "-")
)
def test_what_was_deleted_goes_through_no_gate(ground: Ground, decoder: Decoder, gate: Gate) -> None:
    with ground.house() as house, suppress(NoResultFound):  # the clip that was asked about has no row any more
        assert gate.leaks(Deleting(house, decoder, make_lender(house)), gate.moment) == []
