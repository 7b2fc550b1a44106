"""Finds in the source who asks the one rule: a function that opens a transaction and, by way of others, asks it there.

A function that is handed a session asks for its caller. References are followed by name, through imports; what a value
is called on is not known, and need not be: nobody reaches a clip but by functions of modules.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping

from tests.architecture.source import Module

ROOTS = frozenset(
    {
        "corpus.queries.usable_clips",
        "corpus.queries.usable_utterances",
        "corpus.consent.may_use",
        "corpus.consent.consent_for_upload",
    }
)


def askers(modules: Iterable[Module]) -> set[str]:
    """`module:function` of each, a method as `module:Class.method`."""
    references: dict[str, set[str]] = {}
    for_others: set[str] = set()
    spelled: dict[str, str] = {}
    for module in modules:
        known = names_known_in(module)
        for name, node in parts(module):
            qualified = f"{module.name}.{name}"
            spelled[qualified] = f"{module.name}:{name}"
            references[qualified] = set(mentioned(node, known))
            if takes_a_session(node) or is_of_sql(module):
                for_others.add(qualified)
    asks_for_others = closure(references, for_others)
    return {
        spelled[name]
        for name, mentions in references.items()
        if name not in for_others and mentions & (ROOTS | asks_for_others)
    }


def closure(references: Mapping[str, set[str]], among: set[str]) -> set[str]:
    """Those among them that come to a root, directly or through one another."""
    found: set[str] = set()
    while more := {name for name in among - found if references[name] & (ROOTS | found)}:
        found |= more
    return found


def parts(module: Module) -> Iterator[tuple[str, ast.AST]]:
    """Functions, methods, what is put together when the module is imported, and classes that are handed a session."""
    for node in module.tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name, node
            case ast.ClassDef(name=of_class, body=body):
                methods = [each for each in body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
                yield from ((f"{of_class}.{each.name}", each) for each in methods)
                if any(map(takes_a_session, methods)):
                    yield of_class, node
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                yield name, node


def names_known_in(module: Module) -> dict[str, str]:
    """What each name at the head of an expression stands for."""
    known = {name.partition(".")[0]: f"{module.name}.{name.partition('.')[0]}" for name, _ in parts(module)}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            known |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            known |= {alias.asname or alias.name: alias.name for alias in node.names}
    return known


def mentioned(node: ast.AST, known: Mapping[str, str]) -> Iterator[str]:
    for each in ast.walk(node):
        match each:
            case ast.Name(id=name) if name in known:
                yield known[name]
            case ast.Attribute():
                head, _, rest = ast.unparse(each).partition(".")
                if head in known:
                    yield f"{known[head]}.{rest}"


def takes_a_session(node: ast.AST) -> bool:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return True  # a statement put together beforehand, or an object to call, is run by somebody else
    return any(argument.arg == "session" for argument in node.args.args)


def is_of_sql(module: Module) -> bool:
    return module.name.rpartition(".")[2].endswith("queries")
