"""Every regular expression of the program, found in its source, with inputs made of its own alphabet."""

from __future__ import annotations

import ast
import importlib
import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from re import _parser  # what a pattern is made of, nothing public tells
from typing import Any

from tests.meta.source_files import ROOT, source_files

PACKAGES = ("papers", "digests")
_PAIRED = 12
METHODS = frozenset({"search", "match", "fullmatch", "sub", "subn", "findall", "finditer", "split"})
Text = Any
"""str or bytes, as the pattern is."""


@dataclass(frozen=True)
class Pattern:
    """A pattern, the names under which it stands in a module, and the methods that are called."""

    module: str
    name: str
    compiled: re.Pattern[Any]
    methods: frozenset[str]

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"

    def run(self, text: Text) -> None:
        """Look for it in a text in all the ways in which the program does."""
        for method in self.methods:
            if method in ("sub", "subn"):
                self.compiled.sub(lambda match: match[0][:0], text)
            elif method in ("finditer", "findall"):
                for _ in self.compiled.finditer(text):
                    pass
            else:
                getattr(self.compiled, method)(text)


def all_patterns() -> list[Pattern]:
    """Those that modules hold by a name, and those that are written where they are used."""
    modules: dict[str, ast.Module] = {}
    for package in PACKAGES:
        for path in source_files(".py", under=package):
            if "migrations" not in path.parts:
                name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
                modules[name] = ast.parse(path.read_text(encoding="utf-8"))
    everywhere = _methods_by_name(modules.values())
    found: list[Pattern] = []
    for name, tree in modules.items():
        if "re" not in {each for node in ast.walk(tree) for each in _imports(node)}:
            continue
        module = importlib.import_module(name.removesuffix(".__init__"))
        here = _methods_by_name([tree])
        for variable, value in vars(module).items():
            for key, pattern in _held(variable, value):
                if _is_defined_here(tree, variable):
                    used = here if variable.startswith("_") else everywhere
                    found.append(Pattern(name, key, pattern, frozenset(used.get(variable, METHODS))))
        found += _written_in_place(name, tree, module)
    return found


def _imports(node: ast.AST) -> list[str]:
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


def _held(variable: str, value: object) -> Iterator[tuple[str, re.Pattern[Any]]]:
    """The patterns in a module's variable: itself, or what stands in its tuple, list or mapping."""
    if isinstance(value, re.Pattern):
        yield variable, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, tuple | list) else ()
    for key, item in items:
        for part in item if isinstance(item, tuple) else (item,):
            if isinstance(part, re.Pattern):
                yield f"{variable}[{key}]", part


def _is_defined_here(tree: ast.Module, variable: str) -> bool:
    targets = (
        target
        for node in tree.body
        for target in (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
    )
    return any(isinstance(target, ast.Name) and target.id == variable for target in targets)


def _methods_by_name(trees: Any) -> dict[str, set[str]]:
    """For each variable the methods that are called on it by its name; nothing of those that are handed on."""
    used: defaultdict[str, set[str]] = defaultdict(set)
    handed_on: set[str] = set()
    for tree in trees:
        called = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in METHODS:
                owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
                used[owner].add(node.attr)
                called.add(id(node.value))
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and id(node) not in called:
                handed_on.add(node.id)
    return {name: methods for name, methods in used.items() if name not in handed_on}


def _written_in_place(name: str, tree: ast.Module, module: Any) -> Iterator[Pattern]:
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
            continue
        if getattr(node.func.value, "id", "") != "re" or node.func.attr not in METHODS:
            continue
        # Constants and the module's own names: no pattern is made of what comes from elsewhere.
        source = eval(compile(ast.Expression(node.args[0]), name, "eval"), vars(module))  # noqa: S307
        flags = [
            each for each in (*node.args[2:], *(word.value for word in node.keywords)) if "re." in ast.unparse(each)
        ]
        value = eval(compile(ast.Expression(flags[0]), name, "eval"), vars(module)) if flags else 0  # noqa: S307
        yield Pattern(name, f"line {node.lineno}", re.compile(source, value), frozenset({node.func.attr}))


def own_pieces(pattern: re.Pattern[Any]) -> list[Text]:
    """What the pattern speaks of: its characters, members of its classes, and its words."""
    pieces: dict[str, None] = {}
    _collect(_parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG), pieces)
    return _as_in(pattern, pieces)


def _as_in(pattern: re.Pattern[Any], pieces: Iterable[str]) -> list[Text]:
    return [piece.encode("latin-1", "replace") if isinstance(pattern.pattern, bytes) else piece for piece in pieces]


_USUAL = (" ", "a", "A", "1", ".", "\n", "<", "(", "{", "\\", "$", "-", ",", ";", "&", "/")
_CATEGORIES = {"CATEGORY_DIGIT": "7", "CATEGORY_SPACE": " ", "CATEGORY_WORD": "w", "CATEGORY_NOT_SPACE": "x"}


def _collect(parsed: Any, pieces: dict[str, None]) -> None:
    word = ""
    for operation, argument in parsed:
        name = str(operation)
        if name == "LITERAL":
            word += chr(argument)
            pieces.setdefault(chr(argument))
            continue
        if len(word) > 1:
            pieces.setdefault(word)
        word = ""
        if name == "NOT_LITERAL":
            pieces.setdefault(chr(argument))
        elif name == "IN":
            for kind, value in argument:
                if str(kind) == "LITERAL":
                    pieces.setdefault(chr(value))
                elif str(kind) == "RANGE":
                    pieces.setdefault(chr(value[0]))
                elif str(kind) == "CATEGORY" and str(value) in _CATEGORIES:
                    pieces.setdefault(_CATEGORIES[str(value)])
        else:
            _collect_parts(argument, pieces)
    if len(word) > 1:
        pieces.setdefault(word)


def _collect_parts(argument: Any, pieces: dict[str, None]) -> None:
    if isinstance(argument, _parser.SubPattern):
        _collect(argument, pieces)
    elif isinstance(argument, tuple | list):
        for part in argument:
            _collect_parts(part, pieces)


def attacks(pattern: re.Pattern[Any], chance: random.Random) -> Iterator[tuple[Text, Text, Text]]:
    """Beginnings, what is repeated after them, and ends, without an end: its own pieces in pairs, then at random."""
    own, usual = own_pieces(pattern), _as_in(pattern, _USUAL)
    nothing, end = usual[0][:0], _as_in(pattern, ["\x01"])[0]
    for unit in dict.fromkeys((*own, *usual)):
        yield nothing, unit, end
    for before, unit in product(own[:_PAIRED], repeat=2):
        yield before, unit, end
    while True:
        pieces = chance.choice((own or usual, own + usual))
        unit = nothing.join(chance.choices(pieces, k=chance.choice((1, 2, 2, 3))))
        before = nothing.join(chance.choices(pieces, k=chance.choice((0, 0, 1, 2, 4))))
        yield before, unit, chance.choice((end, nothing, chance.choice(pieces)))
