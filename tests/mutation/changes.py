"""Small faults made in a module's source, one at a time, and put into the functions that are already loaded."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

_OTHERS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.USub: ast.UAdd,
    ast.UAdd: ast.USub,
}
_CALLS = {"min": "max", "max": "min", "maximum": "minimum", "minimum": "maximum", "amax": "amin", "amin": "amax"}


@dataclass(frozen=True)
class Change:
    """A fault: where it is, what it is, and the module's source with it."""

    line: int
    what: str
    tree: ast.Module

    def make(self, module: ModuleType) -> None:
        """Put the fault into a module that is loaded, wherever its functions have been imported to."""
        code = compile(ast.fix_missing_locations(self.tree), module.__file__ or "", "exec")
        changed = ModuleType(module.__name__)
        changed.__file__ = module.__file__
        exec(code, vars(changed))
        functions = dict(_functions(module))
        for name, new in _functions(changed):
            if name in functions and new.__code__.co_filename == module.__file__:
                functions[name].__code__ = new.__code__
                functions[name].__defaults__ = new.__defaults__
                functions[name].__kwdefaults__ = new.__kwdefaults__
        for name, value in vars(changed).items():
            if isinstance(value, int | float | tuple | dict) and not name.startswith("__"):
                setattr(module, name, value)
        for value in vars(module).values():
            if hasattr(value, "cache_clear"):
                value.cache_clear()


def changes(path: Path) -> Iterator[Change]:
    """Yield every fault of a source file; messages, types and docstrings are left alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    _without_words(tree)
    for number, node in enumerate(ast.walk(tree)):
        for what, change in _faults(node):
            changed = deepcopy(tree)
            twin = next(other for place, other in enumerate(ast.walk(changed)) if place == number)
            change(twin)
            yield Change(getattr(node, "lineno", 0), what, changed)


def _without_words(tree: ast.Module) -> None:
    """Take away what is no computation: annotations, docstrings, and what is raised."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.returns = None
            for argument in ast.walk(node.args):
                if isinstance(argument, ast.arg):
                    argument.annotation = None
        if isinstance(node, ast.Raise):
            node.cause = None


def _faults(node: ast.AST) -> Iterator[tuple[str, Any]]:
    if isinstance(node, ast.BinOp | ast.BoolOp | ast.AugAssign) and type(node.op) in _OTHERS:
        yield _named(node.op), lambda twin: setattr(twin, "op", _OTHERS[type(twin.op)]())
    if isinstance(node, ast.UnaryOp):
        if isinstance(node.op, ast.Not | ast.Invert):
            yield "not", lambda twin: setattr(twin, "op", ast.UAdd())
        elif isinstance(node.op, ast.USub):
            yield "minus", lambda twin: setattr(twin, "op", ast.UAdd())
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _OTHERS:
        yield _named(node.ops[0]), lambda twin: twin.ops.__setitem__(0, _OTHERS[type(twin.ops[0])]())
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        new = not node.value if isinstance(node.value, bool) else node.value * 2 + 1
        yield f"{node.value} -> {new}", lambda twin: setattr(twin, "value", new)
    if isinstance(node, ast.Attribute | ast.Name):
        name = "attr" if isinstance(node, ast.Attribute) else "id"
        if getattr(node, name) in _CALLS:
            yield (
                f"{getattr(node, name)} -> {_CALLS[getattr(node, name)]}",
                lambda twin: setattr(twin, name, _CALLS[getattr(twin, name)]),
            )
    if isinstance(node, ast.IfExp | ast.If) and not isinstance(node.test, ast.Constant):
        for value in (True, False):
            yield f"if {value}", lambda twin, value=value: setattr(twin, "test", ast.Constant(value))
    if isinstance(node, ast.Slice) and node.upper:
        yield "slice without end", lambda twin: setattr(twin, "upper", None)


def _named(operator: ast.AST) -> str:
    return f"{type(operator).__name__} -> {_OTHERS[type(operator)].__name__}"


def _functions(holder: Any, prefix: str = "") -> Iterator[tuple[str, FunctionType]]:
    for name, value in vars(holder).items():
        function = inspect.unwrap(getattr(value, "fget", None) or getattr(value, "__func__", None) or value)
        if isinstance(function, FunctionType):
            yield f"{prefix}{name}", function
        elif inspect.isclass(value) and not prefix:
            yield from _functions(value, f"{name}.")
