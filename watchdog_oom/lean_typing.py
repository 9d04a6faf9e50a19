"""The names of ``typing`` that have to exist while the daemon runs, without that module's 0.45 MiB of locked memory.

The type checker sees the standard ones. At run time annotations are text that nobody evaluates, so these names only
have to bear what stands outside annotations: a base class, a subscript, the end of an exhaustive ``match``.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Generic, Protocol, TypeAlias, TypeVar, assert_never
else:
    class Any:
        """Whatever it is."""

    class Generic:
        """A base whose parameters only the type checker knows."""

        __slots__ = ()

        def __class_getitem__(cls, parameters):
            return cls

    class Protocol(Generic):
        """A shape that a class has without naming it."""

        __slots__ = ()

    class TypeVar:
        """A name of a type parameter, for the type checker."""

        def __init__(self, name, *constraints, bound=None):
            self.__name__ = name

    class TypeAlias:
        """Stands in annotations only."""

    def assert_never(value):
        """Reached only if a ``match`` forgot a case, which the type checker excludes."""
        raise AssertionError(f"a case was forgotten: {value!r}")

__all__ = ["TYPE_CHECKING", "Any", "Generic", "Protocol", "TypeAlias", "TypeVar", "assert_never"]
