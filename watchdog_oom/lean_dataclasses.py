"""Slotted records: the part of ``dataclasses`` that the daemon uses, for a third of the memory.

Everything the daemon imports stays in locked memory (Law 11). ``dataclasses`` imports ``inspect``, ``ast`` and ``dis``,
and generates up to eight methods for every class: together 1.9 MiB for the daemon's classes, and half of the import
time. Here the methods are shared, and only ``__init__`` is generated for each class.

The type checker sees the standard ones, and they behave alike: ``dataclasses.replace``, ``asdict``, ``match`` and
``inspect.signature`` accept them. Omitted is what the daemon does not use: records without slots, inheritance between
records, ``ClassVar``, ``InitVar``, pickling.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter

from watchdog_oom.lean_typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass, field, replace
else:
    def dataclass(*, slots, frozen=False, order=False):
        """Make a class a record: its annotated names become slots and, in that order, parameters of ``__init__``."""
        if not slots:
            raise TypeError("there are only slotted records")
        base = _Ordered if order else _Frozen if frozen else _Record
        return lambda plain: _make(plain, base)

    def field(*, default_factory=None, init=True):
        """A field whose default is created for each record, or one that only ``__post_init__`` sets."""
        return _Field("", default_factory, init)

    def replace(record, /, **changes):
        """A copy of the record with these changes."""
        kind = type(record)
        names = kind.__match_args__
        if isinstance(record, _Record) and kind.__init__.__code__.co_argcount == len(names) + 1:
            values = list(record._values(record))
            try:
                for name, value in changes.items():
                    values[names.index(name)] = value
            except ValueError:  # no such field: refused below
                pass
            else:
                return kind(*values)  # by position, which takes two thirds of the time
        for name in _parameters(kind):
            if name not in changes:
                changes[name] = getattr(record, name)
        return kind(**changes)

__all__ = ["dataclass", "field", "replace"]


_NOTHING = object()
_MADE_ANEW = object()  # stands in the signature for a default that a factory makes
_NO_BUILTINS: dict[str, Any] = {}


class _Record:
    """The base of all records. ``_values`` gives the values of all fields, in order."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]  # what can change is no key
    __match_args__: tuple[str, ...] = ()
    _values: Callable[[Any], tuple[Any, ...]]

    def __eq__(self, other: object) -> bool:
        return self._values(self) == self._values(other) if type(other) is type(self) else NotImplemented

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__match_args__)
        return f"{type(self).__qualname__}({shown})"


class _Frozen(_Record):
    __slots__ = ()

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(self._values(self))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"cannot delete field {name!r}")


class _Ordered(_Frozen):
    __slots__ = ()

    def __lt__(self, other: object) -> bool:
        return self._values(self) < self._values(other) if type(other) is type(self) else NotImplemented

    def __le__(self, other: object) -> bool:
        return self._values(self) <= self._values(other) if type(other) is type(self) else NotImplemented

    def __gt__(self, other: object) -> bool:
        return self._values(self) > self._values(other) if type(other) is type(self) else NotImplemented

    def __ge__(self, other: object) -> bool:
        return self._values(self) >= self._values(other) if type(other) is type(self) else NotImplemented


class _Field:
    """One field. The properties are those that ``replace``, ``fields`` and ``asdict`` of ``dataclasses`` read; their
    callers have imported ``dataclasses``."""

    __slots__ = ("factory", "init", "name", "value")

    def __init__(self, name: str, factory: Callable[[], Any] | None, init: bool, value: Any = _NOTHING) -> None:
        self.name, self.factory, self.init, self.value = name, factory, init, value

    @property
    def default(self) -> Any:
        return _standard().MISSING if self.value is _NOTHING else self.value

    @property
    def default_factory(self) -> Any:
        return self.factory or _standard().MISSING

    @property
    def _field_type(self) -> Any:
        return _standard()._FIELD


class _Fields:
    """``__dataclass_fields__`` of every record, made from its ``__init__`` at the first question: made with each class,
    they would cost the daemon, where nobody asks, 0.15 MiB."""

    __slots__ = ("asked",)

    def __init__(self) -> None:
        self.asked: dict[type[_Record], dict[str, _Field]] = {}

    def __get__(self, record: object, kind: type[_Record]) -> dict[str, _Field]:
        found = self.asked.get(kind)
        if found is None:
            scope, parameters = kind.__init__.__globals__, _parameters(kind)
            found = {name: _Field(name, scope.get(f"_new_{name}"), name in parameters,
                                  scope.get(f"_default_{name}", _NOTHING)) for name in kind.__match_args__}
            self.asked[kind] = found
        return found


_Record.__dataclass_fields__ = _Fields()  # type: ignore[attr-defined]


def _parameters(kind: type) -> tuple[str, ...]:
    """Those of ``__init__``, without ``self``."""
    code = kind.__init__.__code__  # type: ignore[misc]
    names: tuple[str, ...] = code.co_varnames[1:code.co_argcount]
    return names


def _standard() -> Any:
    import dataclasses
    return dataclasses


def _make(plain: type, base: type) -> type:
    """The class created again with slots, which cannot be added to an existing class."""
    names = tuple(plain.__annotations__)
    fields = {name: _field(plain, name) for name in names}
    body = {name: value for name, value in plain.__dict__.items()
            if name not in fields and name not in ("__dict__", "__weakref__")}
    body |= {"__qualname__": plain.__qualname__, "__slots__": names, "__match_args__": names,
             "_values": _getter(names)}
    made = type(plain.__name__, (base,), body)
    made.__init__ = _initializer(made, fields)  # type: ignore[misc]
    return made


def _field(plain: type, name: str) -> _Field:
    default = plain.__dict__.get(name, _NOTHING)
    return default if isinstance(default, _Field) else _Field(name, None, True, default)


def _getter(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """Like ``attrgetter``, but a tuple whatever the number of names."""
    if len(names) > 1:
        return attrgetter(*names)
    return staticmethod(lambda record: tuple(getattr(record, name) for name in names))


def _initializer(made: type, fields: Mapping[str, _Field]) -> Callable[..., None]:
    """A generated ``__init__`` that sets the slots directly: this bypasses a frozen record's ``__setattr__`` and is
    faster than ``object.__setattr__``."""
    scope: dict[str, Any] = {"__builtins__": _NO_BUILTINS}
    parameters, lines = ["self"], []
    for name, its in fields.items():
        value = name
        if its.factory is not None:
            scope |= {"_made_anew": _MADE_ANEW, f"_new_{name}": its.factory}
            parameters.append(f"{name}=_made_anew")
            value = f"_new_{name}() if {name} is _made_anew else {name}"
        elif not its.init:
            continue
        elif its.value is not _NOTHING:
            scope[f"_default_{name}"] = its.value
            parameters.append(f"{name}=_default_{name}")
        else:
            parameters.append(name)
        lines.append(f"_set_{name}(self, {value})")
    if "__post_init__" in made.__dict__:
        lines.append("self.__post_init__()")
    exec(f"def __init__({', '.join(parameters)}):\n " + "\n ".join(lines or ["pass"]), scope)  # noqa: S102
    initializer: Callable[..., None] = scope.pop("__init__")
    for word in initializer.__code__.co_names:  # these texts are shared by all records with a field of that name
        if word.startswith("_set_"):
            scope[word] = made.__dict__[word.removeprefix("_set_")].__set__
    initializer.__qualname__ = f"{made.__qualname__}.__init__"
    return initializer
