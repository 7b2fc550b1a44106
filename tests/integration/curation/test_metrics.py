"""Numbers for Prometheus: what a run did, how the house stands, and nothing of anybody."""

import re
import socket
import urllib.request
from collections.abc import Mapping

import pytest
from prometheus_client import CollectorRegistry
from starlette.testclient import TestClient

from corpus.collaborators import Collaborators
from corpus.errors import DatabaseUnavailable, Misconfigured
from curation import run
from curation.examine import Workbench
from curation.executors import Inline
from curation.metrics import CurationMetrics, HouseNumbers
from loanword.metrics import metrics_served
from loanword.serve import create_app
from tests.factories import make_lender, make_utterance, wav
from tests.integration.curation.test_executors import send_a_mixture


def curated(house: Collaborators, bench: Workbench) -> CollectorRegistry:
    registry = CollectorRegistry()
    metrics = CurationMetrics(registry)
    watcher = run.Watcher(on_progress=metrics.progress, on_batch=metrics.batch, on_sets=metrics.sets)
    run.curate(house, Inline(bench), watcher=watcher)
    return registry


def samples(registry: CollectorRegistry, name: str) -> Mapping[tuple[str, ...], float]:
    """By the values of their labels, in the order of their names."""
    return {
        tuple(value for _, value in sorted(each.labels.items())): each.value
        for family in registry.collect()
        for each in family.samples
        if each.name == name
    }


def test_a_run_counts_every_ending_and_times_every_step(house: Collaborators, bench: Workbench) -> None:
    send_a_mixture(house, sounds=2)

    registry = curated(house, bench)

    assert samples(registry, "loanword_curation_clips_total") == {
        ("kept", ""): 2,
        ("dropped", "duplicate"): 1,
        ("dropped", "silent"): 1,
        ("failed", "Undecodable"): 1,
    }
    assert {"claim", "store", "record"} <= {
        step for (step,) in samples(registry, "loanword_curation_step_seconds_count")
    }
    assert registry.get_sample_value("loanword_curation_audio_seconds_total") == pytest.approx(3 * 1.5 + 1.5)
    assert registry.get_sample_value("loanword_curation_waiting") == 0


def test_the_house_tells_what_waits_and_how_clips_stand(house: Collaborators, bench: Workbench) -> None:
    lender = make_lender(house)
    make_utterance(house, lender)
    make_utterance(house, lender, body=wav(bytes(48_000)))
    run.curate(house, Inline(bench))
    make_utterance(house, lender)
    registry = CollectorRegistry()

    registry.register(HouseNumbers(house))

    assert samples(registry, "loanword_clips") == {("kept", ""): 1, ("dropped", "silent"): 1}
    assert registry.get_sample_value("loanword_recordings_waiting") == 1
    assert registry.get_sample_value("loanword_clips_unreviewed") == 1


def test_no_number_tells_of_anybody(house: Collaborators, bench: Workbench) -> None:
    send_a_mixture(house, sounds=2)
    registry = curated(house, bench)
    registry.register(HouseNumbers(house))

    told = [each for family in registry.collect() for sample in family.samples for each in sample.labels.values()]

    assert len(told) > 20
    assert [each for each in told if re.search(r"[0-9a-f]{8}", each)] == []


def test_a_database_that_is_away_is_a_number_and_no_error(house: Collaborators) -> None:
    class Away(HouseNumbers):
        def _numbers(self) -> list[object]:  # type: ignore[override]
            raise DatabaseUnavailable

    registry = CollectorRegistry()
    registry.register(Away(house))

    assert samples(registry, "loanword_database_up") == {(): 0}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_numbers_have_a_port_of_their_own_and_the_server_that_people_reach_has_none(house: Collaborators) -> None:
    registry = CollectorRegistry()
    registry.register(HouseNumbers(house))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]

    with metrics_served(registry, port), urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        told = answer.read().decode()
        with pytest.raises(Misconfigured, match=str(port)), metrics_served(registry, port):
            pass

    assert "loanword_recordings_waiting 0.0" in told
    assert TestClient(create_app(house)).get("/metrics").status_code == 404
