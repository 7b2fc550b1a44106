"""Reads the source of the house as syntax trees, for the rules beside this file.

A rule is a function of modules that answers a list of violations, so that it can be shown a snippet that breaks it.
"""

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("corpus", "ingest", "curation", "export", "loanword", "migrations", "benchmarks")


@dataclass(frozen=True)
class Module:
    """One source file: `path` is relative to the root of the repository, `name` as in an import statement."""

    path: str
    tree: ast.Module

    @property
    def name(self) -> str:
        return self.path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")

    @property
    def room(self) -> str:
        return self.name.partition(".")[0]

    @property
    def is_package(self) -> bool:
        return self.path.endswith("__init__.py")


Rule = Callable[[Iterable[Module]], list[str]]


def module(path: str, source: str) -> Module:
    return Module(path, ast.parse(source, filename=path))


@cache
def house() -> tuple[Module, ...]:
    """Every module of ours but the tests."""
    files = sorted(file for room in ROOMS for file in (ROOT / room).rglob("*.py"))
    return tuple(module(file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8")) for file in files)


def imports(of: Module, within: ast.AST | None = None) -> Iterator[str]:
    """What it imports, wherever the statement stands: `from a import b` is `a.b`, be `b` a module or a name in one."""
    for node in ast.walk(within or of.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = _absolute(of, node)
            yield from (f"{source}.{alias.name}" for alias in node.names)


def _absolute(of: Module, node: ast.ImportFrom) -> str:
    if node.level == 0:
        return node.module or ""
    parts = of.name.split(".")
    kept = len(parts) - node.level + (1 if of.is_package else 0)
    return ".".join([*parts[:kept], *([node.module] if node.module else [])])


def is_within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def docstrings(tree: ast.Module) -> set[ast.AST]:
    """The string nodes that are prose: an expression statement of its own, at the head of a body or below a name."""
    return {
        node.value for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
