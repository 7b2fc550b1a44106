"""Target 24: a voice that was published is called back from everybody who has it.

A release is published and pulled by several engineers, over HTTP. Then somebody who lent a fifth of it takes everything
back. Measured are the time until the tombstones are signed, and until the same version is there anew without them; and
counted is each pull that still got something, each copy in which a name is left, and each recipient who was not told.
"""

import os
import random
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

from corpus.collaborators import Collaborators
from corpus.errors import LoanwordError, ReleaseWithdrawn
from corpus.words import Role, Scope
from export.build import build_release
from export.client.prune import names_in
from export.client.prune_copy import prune_copy
from export.client.pull import pull
from export.client.verify import verify
from export.publish import publish_release
from export.recipients import recipients
from export.recut import recut_release
from export.state import current_state
from ingest.withdraw import withdraw
from loanword.serve import create_app
from tests.factories import Lender, make_account, make_clip, make_lender, make_token, tone
from tests.fixtures.serving import serving
from tests.trust.gates import NAME, ONE_SHARD, VERSION, WORDS
from tests.trust.grounds import Ground
from tests.trust.results import Result

TARGET = "24"
SIGNED_WITHIN_S = 60.0
RECUT_WITHIN_S = 600.0
SHARE_OF_THE_LEAVER = 0.2
CLIPS_A_SPEAKER = 50
ENGINEERS = 3
SHARDS = 8


@dataclass(frozen=True, slots=True)
class Copy:
    """What one engineer has."""

    folder: Path
    token: str
    packed: bool


def measure_recalls(ground: Ground, n: int, seed: int) -> Result:
    """`n` clips are in the release."""
    failures: list[str] = []
    with ExitStack() as stack:
        house = stack.enter_context(ground.house())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=ground.folder)))
        stack.enter_context(patch.dict(os.environ, XDG_CONFIG_HOME=str(folder)))  # where keys are pinned
        leaver = published(house, n, random.Random(seed))
        url = stack.enter_context(serving(create_app(house)))
        copies = [Copy(folder / str(number), token_of(house), packed=number == 0) for number in range(ENGINEERS)]
        for copy in copies:
            pull(NAME, copy.folder, url, copy.token, keep_archives=copy.packed)
        before = current_state(house, NAME).serial
        began_s = time.monotonic()
        withdraw(house, leaver.account_id)
        signed_s = time.monotonic() - began_s
        if current_state(house, NAME).serial <= before:
            failures.append("no state was signed by the withdrawal")
        failures += [f"{copy.folder.name} was pulled after the withdrawal" for copy in copies if still_pulls(copy, url)]
        made = recut_release(house, NAME, VERSION)
        recut_s = time.monotonic() - began_s
        failures += [f"{what} took {s:.0f} s" for what, s, most_s in timed(signed_s, recut_s) if s > most_s]
        if made.revision != 2 or made.clips != n - leavers_share(n):
            failures.append(f"the re-cut is revision {made.revision} with {made.clips} clips")
        gone = withdrawn_names(copies, url)
        failures += followed(copies, url, gone)
        told = [each.pulled for each in recipients(house, NAME)]
        failures += [
            f"a recipient has not reported {each.unacknowledged} clips" for each in told if each.unacknowledged
        ]
        if len(told) != ENGINEERS or len(gone) != leavers_share(n):
            failures.append(f"{len(told)} recipients are known, and {len(gone)} clips are called back")
    return Result(
        target=TARGET,
        tried=f"a release of which a fifth is called back from {ENGINEERS} recipients, who prune or pull again",
        ground=ground.name,
        n=n,
        seed=seed,
        failures=failures,
        figure=f"{leavers_share(n):,} tombstones signed after {signed_s:.2f} s; cut anew after {recut_s:.1f} s",
    )


def timed(signed_s: float, recut_s: float) -> list[tuple[str, float, float]]:
    return [("signing", signed_s, SIGNED_WITHIN_S), ("the re-cut", recut_s, RECUT_WITHIN_S)]


def leavers_share(clips: int) -> int:
    return max(1, round(clips * SHARE_OF_THE_LEAVER))


def published(house: Collaborators, clips: int, chance: random.Random) -> Lender:
    """Returns who will leave."""
    leaver, others = make_lender(house), [make_lender(house) for _ in range(max(1, clips // CLIPS_A_SPEAKER))]
    for number in range(clips):
        lender = leaver if number < leavers_share(clips) else others[number % len(others)]
        pcm = tone(duration_s=0.4, frequency_hz=chance.uniform(100, 7000), peak=chance.uniform(0.1, 0.9))
        make_clip(house, lender, pcm=pcm, label=WORDS)
    several = replace(ONE_SHARD, shard_max_bytes=max(1 << 20, clips * 15_000 // SHARDS))
    build_release(house, NAME, VERSION, several)
    publish_release(house, NAME, VERSION)
    return leaver


def token_of(house: Collaborators) -> str:
    return make_token(house, make_account(house, role=Role.ENGINEER), Scope.PULL)


def still_pulls(copy: Copy, url: str) -> bool:
    """Into a folder of its own, as somebody would who has nothing yet."""
    try:
        pull(NAME, copy.folder.with_name(f"{copy.folder.name}-new"), url, copy.token)
    except ReleaseWithdrawn:
        return False
    except LoanwordError:
        return True
    return True


def withdrawn_names(copies: list[Copy], url: str) -> set[str]:
    """One of them prunes, so that we know the names; the others follow in `followed`."""
    return {*prune_copy(copies[0].folder, url, copies[0].token).clips}


def followed(copies: list[Copy], url: str, gone: set[str]) -> list[str]:
    """The last ones pull again, and the others prune."""
    failures = []
    for number, copy in enumerate(copies):
        if number % 2:
            pull(NAME, copy.folder, url, copy.token, keep_archives=copy.packed)
        else:
            prune_copy(copy.folder, url, copy.token)
        if left := names_in(copy.folder, gone):
            failures.append(f"{len(left)} names are left in copy {number}")
        if (report := verify(copy.folder)).problems:
            failures.append(f"copy {number} is not sound: {report.problems[0]}")
    return failures
