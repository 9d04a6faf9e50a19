"""Plain values to TOML and back: what is printed is the policy."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import at_most
from tests.policy.canonical import show_policy
from watchdog_oom.core.conditions.registry import families
from watchdog_oom.core.form import Form
from watchdog_oom.core.policy import Verb
from watchdog_oom.policy.build import build_policy
from watchdog_oom.policy.files import Gathered
from watchdog_oom.policy.load import check_documents
from watchdog_oom.policy.schema import CLAUSE, EMERGENCY, LIMITING_KEYS, NAMED, NOUNS, PROBE, STEP, Key, Keys

NAMES = ("a", "B_2", "-c")
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
TEXTS = st.text(CHARACTERS, min_size=1, max_size=8).filter(str.strip)
SAFE = st.text("abcXYZ.09-_*? \t\"'\\\x7f\x1fé", min_size=1, max_size=8).filter(str.strip)
PERCENT = st.integers(0, 100_000).map(lambda thousandths: thousandths / 1000)
DURATION = st.integers(0, 10**9).map(lambda milliseconds: milliseconds / 1000)
SIZE = st.integers(0, 1 << 50).map(lambda n: ("bytes", n)) | PERCENT.map(lambda p: ("percent", p))
NOUN_NAMES = st.sampled_from(NAMES)


def some(strategy: st.SearchStrategy[Any], least: int = 1) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(strategy, min_size=least, max_size=3).map(tuple)


VALUES: dict[Form, st.SearchStrategy[Any]] = {
    Form.SIZE: SIZE, Form.DURATION: DURATION, Form.PERCENT: PERCENT, Form.COUNT: st.integers(1, 10**12),
    Form.TRUE: st.just(True), Form.PROCESS: NOUN_NAMES, Form.PROCESS_OR_ANY: NOUN_NAMES | st.just("any"),
    Form.SPOOL: NOUN_NAMES, Form.SERVICE: NOUN_NAMES,
    Form.SIZE_OR_COUNT: PERCENT.map(lambda p: ("percent", p)) | st.integers(0, 999).map(lambda n: ("count", n)),
    Form.TEXT: TEXTS, Form.INTEGER: st.integers(-999, 1000), Form.BOOLEAN: st.booleans(),
    Form.HOURS: st.tuples(st.integers(0, 1439), st.integers(0, 1440)).filter(lambda pair: pair[0] != pair[1]),
    Form.PATH: st.sampled_from(["/var/spool/x", "/a b/'\"c"]),
    Form.UNIT: st.sampled_from(["x.service", "a@b\\x2d.timer"]),
    Form.UNITS: some(st.just("x.socket"), 0), Form.USERS: some(TEXTS), Form.PATH_GLOBS: some(SAFE.map("/".__add__)),
    Form.NAME_GLOBS: some(SAFE), Form.ENTRY_GLOBS: some(SAFE.filter(lambda glob: glob not in (".", ".."))),
    Form.REGEXES: some(st.sampled_from([r"^a\.b$", r'"[^"]*"', "é\n"])),
    Form.PROCESSES: some(NOUN_NAMES), Form.SPOOLS: some(NOUN_NAMES), Form.SERVICES: some(NOUN_NAMES),
    Form.SERVICES_OR_STOPPED: some(NOUN_NAMES),
    Form.ARGV: some(TEXTS, 0).map(lambda rest: ("/bin/x", *rest)),
    Form.ADDRESS: st.sampled_from([("::1", 25), ("localhost", 1), ("127.0.0.1", 65535)]),
}


def value(key: Key) -> st.SearchStrategy[Any]:
    match key.form:
        case Form.CHOICE:
            return st.sampled_from([str(choice) for choice in key.choices])
        case Form.PROBE:
            return st.sampled_from(["tcp", "run"]).flatmap(
                lambda one: table({name: PROBE[name] for name in (one, "expect", "within")}, {one}))
        case Form.CLAUSES:
            return some(st.sampled_from(families()).flatmap(
                lambda family: table({name: CLAUSE[name] for name in (*family.keys, "for")}, set(family.keys))))
        case Form.STEPS:
            return some(st.sampled_from([*Verb][1:]).flatmap(step)).map(
                lambda steps: ({"stop": ("a",)}, *steps, {"start": "stopped"}))
    strategy = VALUES[key.form]
    if key.least is None or key.least < -1:
        return strategy
    return strategy.filter(lambda value: (value[1] if isinstance(value, tuple) else value) >= (key.least or 0))


BOUNDS = st.integers(1, 1 << 40).flatmap(lambda high: st.fixed_dictionaries(
    {"memory_high": st.just(("bytes", high))},
    optional={"memory_max": st.integers(high, 1 << 50).map(lambda n: ("bytes", n)) | st.just(("percent", 90.0))}))


def limit(keys: Keys, required: set[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Bounds stand only beside ``contain``, and all limits at once not beside a queue."""
    plain = table({name: key for name, key in keys.items() if not name.startswith("memory_")}, required).filter(
        lambda values: (values.get("exceeds"), values.get("then")) != ("all", "freeze"))
    return plain | st.builds(lambda values, bounds: {**values, "then": "contain", **bounds}, plain, BOUNDS)


def step(verb: Verb) -> st.SearchStrategy[dict[str, Any]]:
    if verb is Verb.CONTAIN:
        return st.builds(lambda names, bounds: {"contain": names, **bounds}, VALUES[Form.PROCESSES], BOUNDS)
    optional = {} if verb is Verb.WAIT else {"within": STEP["within"]}
    return table({verb.value: STEP[verb.value], **optional}, {verb.value})


def table(keys: Keys, required: set[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {name: value(key) for name, key in keys.items() if key.required or name in required},
        optional={name: value(key) for name, key in keys.items() if not (key.required or name in required)})


def named(kind: str, keys: Keys) -> st.SearchStrategy[dict[str, Any]]:
    required = {"name"} if kind == "process" else set(LIMITING_KEYS) if kind == "limit" else set()
    keys = {name: key for name, key in keys.items() if name not in ("parent", "except")}  # in circles
    names = NAMES if kind in NOUNS else NAMES[:2]
    one = limit(keys, required) if kind == "limit" else table(keys, required)
    return st.fixed_dictionaries(dict.fromkeys(names, one))


POLICIES = st.fixed_dictionaries(
    {kind: named(kind, keys) for kind, keys in NAMED.items()} | {"description": st.just("") | TEXTS},
    optional={"emergency": table(EMERGENCY, set())})


def parsed(text: str) -> dict[str, Any]:
    gathered = Gathered()
    ir = check_documents([("x.toml", text.encode())], gathered)
    assert not gathered.faults, "\n".join(map(str, gathered.faults))
    del ir["sources"], ir["places"], ir["fingerprints"]
    return ir


@settings(max_examples=at_most(60), deadline=None)
@given(POLICIES)
def test_a_policy_that_is_printed_and_read_is_the_same_policy(ir: dict[str, Any]) -> None:
    again = parsed(show_policy(ir))
    assert again == ir
    assert build_policy(again) == build_policy(ir)
    assert show_policy(again) == show_policy(ir)


def test_what_one_noun_says_of_others_is_printed_and_read_as_it_is() -> None:
    text = ('[process.a]\nname = "a"\nparent = "a"\nexcept = ["b", "c"]\n\n[process.b]\nname = "b"\n\n'
            '[process.c]\nname = "c"\nparent = ["a2", "b"]\n\n[process.a2]\nname = "x"\n')
    assert show_policy(parsed(text)) == text


def test_an_empty_policy_prints_as_nothing() -> None:
    assert show_policy(parsed("")) == "\n"


def test_the_printed_form_is_the_one_an_administrator_would_write() -> None:
    text = show_policy(parsed(
        '[process.p]\nuser = ["root"]\nexe = "/bin/p"\n'
        '[recover.r]\nsteps = [{within="90s", stop="v"}, {start="stopped"}]\n'
        'when = [{for="60s", swap_free_below="10.0%"}]\n'
        "[service.v]\nprobe.tcp = '[::1]:25'\nunit = 'v.service'\n"))
    assert text == """\
[process.p]
exe = "/bin/p"
user = "root"

[service.v]
unit = "v.service"
probe = { tcp = "[::1]:25" }

[recover.r]
when = [
  { swap_free_below = "10%", for = "1min" },
]
steps = [
  { stop = ["v"], within = "1min30s" },
  { start = "stopped" },
]
"""
