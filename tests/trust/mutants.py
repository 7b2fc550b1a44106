"""Takes one gate away, and leaves every other: what its own test must notice.

A mutant is a function of ours, compiled anew from its source with one call changed: where it asks the one rule, the
rule answers yes, whatever the consent. Everything else that the function asks stays: owner, key, state, lock.
"""

import ast
import importlib
import inspect
import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import _lru_cache_wrapper
from types import CodeType, FunctionType
from typing import ParamSpec, TypeVar
from unittest.mock import patch

from sqlalchemy import ColumnElement, true

from corpus import consent, queries
from corpus.consent import GRANTS
from corpus.words import Purpose
from export import queries as release_queries

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")

PERMISSIVELY = "_with_the_rule_always_saying_yes"
_anything_goes: ContextVar[bool] = ContextVar("anything_goes", default=False)


class NoSuchGate(LookupError):
    """The source has no such call: the gate was moved or renamed, and its mutant must follow."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One call of one function, made permissive."""

    function: str
    """`module:name`."""
    asks: str
    """The call, as the source writes what is called."""
    which: int = 1
    """The so-manieth such call of the function, from the top."""

    def __str__(self) -> str:
        module, _, name = self.function.partition(":")
        place = f"{module.replace('.', '/')}.py: {name} asks {self.asks}"
        return place if self.which == 1 else f"{place} ({self.which})"

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The gate is away. Raises `NoSuchGate`."""
        function = self._function()
        whole, mutilated = function.__code__, self._mutilated(function)
        with _rule_that_may_be_silenced(), patch.dict(function.__globals__, {PERMISSIVELY: _permissively}):
            function.__code__ = mutilated  # the very object that all importers hold
            try:
                yield
            finally:
                function.__code__ = whole

    def _function(self) -> FunctionType:
        module, _, name = self.function.partition(":")
        found = getattr(importlib.import_module(module), name, None)
        if not isinstance(found, FunctionType):
            raise NoSuchGate(self.function)
        return found

    def _mutilated(self, function: FunctionType) -> CodeType:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        calls = [each for each in ast.walk(tree) if isinstance(each, ast.Call) and ast.unparse(each.func) == self.asks]
        calls.sort(key=lambda call: (call.lineno, call.col_offset))
        if len(calls) < self.which:
            raise NoSuchGate(str(self))
        call = calls[self.which - 1]
        call.args.insert(0, call.func)
        call.func = ast.copy_location(ast.Name(PERMISSIVELY, ast.Load()), call)
        made: dict[str, object] = {}
        source = compile(ast.fix_missing_locations(tree), f"<mutant of {self.function}>", "exec")
        exec(source, dict(function.__globals__), made)  # noqa: S102 - our own source, with one name changed
        mutant = made[function.__name__]
        assert isinstance(mutant, FunctionType)
        return mutant.__code__


def _permissively(asks: Callable[Asked, Answer], *args: Asked.args, **kwargs: Asked.kwargs) -> Answer:
    token = _anything_goes.set(True)
    try:
        return asks(*args, **kwargs)
    finally:
        _anything_goes.reset(token)


@contextmanager
def _rule_that_may_be_silenced() -> Iterator[None]:
    """Both forms of the rule, as they are but within `_permissively`. No statement is kept that was built so."""
    in_python, in_sql = consent.consent_for_upload, queries._may_use

    def consent_for_upload(
        facts: list[consent.ConsentFact], captured_at: object, now: object
    ) -> consent.ConsentFact | None:
        if _anything_goes.get():
            return next(fact for fact in facts if fact.purpose is Purpose.COLLECT and fact.act in GRANTS)
        return in_python(facts, captured_at, now)  # type: ignore[arg-type]  # passed through

    def may_use(*asked: object) -> ColumnElement[bool]:
        return true() if _anything_goes.get() else in_sql(*asked)  # type: ignore[arg-type]  # passed through

    with ExitStack() as patches:
        patches.enter_context(patch.object(consent, "consent_for_upload", consent_for_upload))
        patches.enter_context(patch.object(queries, "_may_use", may_use))
        for name, function in vars(release_queries).copy().items():
            if isinstance(function, _lru_cache_wrapper):
                patches.enter_context(patch.object(release_queries, name, function.__wrapped__))
        yield
