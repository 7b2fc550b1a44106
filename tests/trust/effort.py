"""Target 5: what it takes to lend a voice, and to take it back, counted on the pages in a real browser."""

from collections.abc import Iterator

from loanword.serve import create_app
from tests.e2e.portal import Effort, newcomer, symmetric_effort
from tests.fixtures.browser import NoBrowser, chromium
from tests.fixtures.serving import serving
from tests.trust.grounds import Ground
from tests.trust.results import Result

TARGET = "5"
MOST_CLICKS = 2
"""Beside the boxes that are ticked."""


def measure_effort(ground: Ground, n: int, seed: int) -> Iterator[Result]:
    """With newcomers one after another; nothing where there is no browser."""
    failures, efforts = [], []
    try:
        with ground.house() as house, serving(create_app(house)) as address, chromium() as browser:
            for number in range(n):
                email = f"newcomer-{seed}-{number}@example.org"
                newcomer(house, email)
                context = browser.new_context()
                opting_in, opting_out = symmetric_effort(context.new_page(), address, email)
                context.close()
                efforts.append((opting_in, opting_out))
                failures += faults(opting_in, opting_out)
    except NoBrowser:
        return
    tried = "newcomers who lend their voice and take it back on the pages, in a real browser"
    yield Result(TARGET, tried, ground.name, n, seed, failures, figure(*efforts[0]))


def faults(opting_in: Effort, opting_out: Effort) -> list[str]:
    more = opting_out.actions - opting_in.actions
    too_many = max(opting_in.clicks, opting_out.clicks) > MOST_CLICKS
    return [f"{more} actions more to take back"] * (more > 0) + ["more than two clicks"] * too_many


def figure(opting_in: Effort, opting_out: Effort) -> str:
    return f"to agree: {in_words(opting_in)}; to take back: {in_words(opting_out)}"


def in_words(effort: Effort) -> str:
    return f"{effort.ticks} tick{'s' * (effort.ticks != 1)} and {effort.clicks} click{'s' * (effort.clicks != 1)}"
