from datetime import timedelta
from pathlib import Path

import pytest

from corpus.settings import Settings
from loanword.serve import as_environment


def test_a_worker_process_reads_the_settings_that_its_parent_had(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(
        home=Path("/srv/loanword"),
        object_store="s3://voices/all",
        upload_deadline=timedelta(seconds=90),
        notice_grace=timedelta(days=7),
        upload_max_bytes=1_000,
    )

    for name, value in as_environment(settings).items():
        monkeypatch.setenv(name, value)

    assert Settings() == settings


def test_a_duration_is_given_as_the_operators_page_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOANWORD_UPLOAD_DEADLINE", "PT90S")

    assert Settings().upload_deadline == timedelta(seconds=90)
