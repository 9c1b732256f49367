"""Inventories: what a host is made of, and what is told when something is wrong with one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from polc.analysis import empty_lists
from polc.diagnostics import Collector, Diagnostic, Failure
from polc.fleet.build import build, inspect
from polc.fleet.flatten import flatten
from polc.fleet.model import Host
from polc.fleet.read import inventory_of, load_schema, read_inventory
from polc.fleet.resolve import resolve
from polc.policy.json_reader import read_json
from polc.policy.library import Library
from polc.policy.read import inspect_source
from polc.policy.schema import compile_gate
from polc.source import SourceFile

BEGIN = "polc: 1\ninput: {default: drop, rules: ["


def hosts(folder: Path, inventory: str, **files: str) -> list[Host]:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    path = folder / "inventory.yaml"
    path.write_text(f"polc-inventory: 1\n{inventory}")
    read = read_inventory(str(path))
    collector = Collector()
    found = resolve(read, read.hosts, collector)
    collector.raise_if_errors()
    return found


def rules(host: Host) -> list[str]:
    """The rules as they were put together, by the text that means the same."""
    text = flatten(inspect(host, Library(), Collector()).merged)
    lines = [line.strip() for line in text.splitlines()]
    return [json.loads(line[2:].partition("  #")[0]) for line in lines if line.startswith("- ")]


def errors(folder: Path, inventory: str, **files: str) -> tuple[Diagnostic, ...]:
    """What is told of the first host, or of the inventory."""
    try:
        first = hosts(folder, inventory, **files)[0]
    except Failure as failure:
        return failure.diagnostics
    return build(first, Library()).told


def test_rules_stand_in_the_order_of_the_groups(tmp_path: Path) -> None:
    (host,) = hosts(
        tmp_path,
        "all: {include: a.yaml}\n"
        "groups:\n"
        "  site: {policy: {input: {rules: [accept tcp/2]}}}\n"
        "  web: {groups: [site], include: [a.yaml, b.yaml], policy: {input: {rules: [accept tcp/4]}}}\n"
        "  last: {policy: {input: {rules: [accept tcp/5]}}}\n"
        "hosts: {h: {groups: [web, site, last], policy: {input: {rules: [accept tcp/6]}}}}\n",
        a=f"{BEGIN}accept tcp/1]}}\n",
        b=f"{BEGIN}accept tcp/3]}}\n",
    )
    assert rules(host) == [f"accept tcp/{number}" for number in (1, 2, 3, 4, 5, 6)]


def test_what_a_host_says_comes_before_its_groups_and_files(tmp_path: Path) -> None:
    fleet = hosts(
        tmp_path,
        "groups:\n"
        "  early: {policy: {addresses: {admins: [192.0.2.2]}, input: {default: accept}}}\n"
        "  web: {include: a.yaml, policy: {addresses: {others: [192.0.2.8]}}}\n"
        "hosts:\n"
        "  plain: {groups: [web]}\n"
        "  grouped: {groups: [early, web]}\n"
        "  own: {groups: [early, web], policy: {addresses: {admins: [192.0.2.3]}, input: {default: drop}}}\n",
        a="polc: 1\naddresses: {admins: [192.0.2.1], others: [192.0.2.9]}\n"
        "input: {default: drop, rules: [accept ssh from @admins, accept web from @others]}\nservices: {web: tcp/80}\n",
    )
    texts = [build(one, Library()).files[0].text for one in fleet]
    for text, admin, default in zip(texts, (1, 2, 3), ("drop", "accept", "drop"), strict=True):
        assert f"192.0.2.{admin}" in text
        assert "192.0.2.8" in text
        assert "192.0.2.9" not in text
        assert f'"policy":"{default}"' in text.replace(" ", "")
        assert not any(f"192.0.2.{other}" in text for other in {1, 2, 3} - {admin})


def test_rules_of_a_file_are_taken_away_by_their_macro(tmp_path: Path) -> None:
    """Nobody is warned of a list that is empty on purpose."""
    base = f"{BEGIN}use web, accept ssh]}}\nmacros: {{web: [accept tcp/80, accept tcp/443]}}\n"
    found = hosts(
        tmp_path,
        "groups:\n  early: {policy: {macros: {web: []}}}\n  late: {include: base.yaml}\n"
        "hosts:\n"
        "  before: {groups: [early, late]}\n"
        "  none: {groups: [late], policy: {macros: {web: []}}}\n"
        "  other: {groups: [late], policy: {macros: {web: [accept tcp/8080]}}}\n"
        "  all: {groups: [late]}\n"
        "  own: {groups: [late], policy: {macros: {mine: []}, input: {rules: [use mine]}}}\n",
        base=base,
    )
    read = {host.name: inspect(host, Library(), Collector()) for host in found}
    counted = {name: sum(len(chain.rules) for chain in one.ruleset.chains) for name, one in read.items()}
    assert counted == {"before": 1, "none": 1, "other": 2, "all": 3, "own": 3}
    warned = {name: [one.code for one in empty_lists.LINT.check(policy)] for name, policy in read.items()}
    assert warned == {"before": [], "none": [], "other": [], "all": [], "own": ["POL314"]}


def test_variables(tmp_path: Path) -> None:
    first, second = hosts(
        tmp_path,
        'all: {include: "${kind}.yaml", variables: {net: "10.${site}", site: 1, '
        'ports: [tcp/80, "tcp/${web}"], web: 81}}\n'
        "groups: {other: {variables: {site: 2, kind: nothing}}}\n"
        "hosts:\n  a: {variables: {kind: a}}\n  b: {groups: [other], variables: {kind: a, ports: tcp/7}}\n",
        a='polc: 1\nservices: {s: ["${ports}", udp/1], t: "${ports}"}\ninput:\n  default: drop\n  rules:\n'
        "    - accept s from ${net}.0.0/16\n    - {rule: accept t, comment: 'of ${host}, not $${host}'}\n",
    )
    a, b = (flatten(inspect(one, Library(), Collector()).merged) for one in (first, second))
    assert '"s": ["tcp/80", "tcp/81", "udp/1"]' in a
    assert '"t": ["tcp/80", "tcp/81"]' in a
    assert "accept s from 10.1.0.0/16" in a
    assert "of a, not ${host}" in a
    assert '"s": ["tcp/7", "udp/1"]' in b
    assert "accept s from 10.2.0.0/16" in b
    assert "of b, not ${host}" in b


@pytest.mark.parametrize(
    ("inventory", "policy", "code", "place"),
    [
        ("hosts: {h: {groups: [web]}}\n", "", "POL080", "2:22"),
        ("groups: {a: {groups: [b]}, b: {groups: [a]}}\nhosts: {h: }\n", "", "POL081", "2:41"),
        ("groups: {a: {groups: [a]}}\nhosts: {h: }\n", "", "POL081", "2:23"),
        ("hosts: {h: {include: p.yaml}}\n", "accept from ${lan}", "POL082", "2:45"),
        ("hosts: {h: {variables: {a: '${b}'}}}\n", "", "POL082", "2:28"),
        (
            "hosts: {h: {include: p.yaml, variables: {l: [192.0.2.1]}}}\n",
            "accept from ${l}, 192.0.2.2",
            "POL083",
            "2:45",
        ),
        ("hosts: {h: {include: p.yaml}}\n", "accept from ${host", "POL083", "2:45"),
        ("hosts: {h: {variables: {host: x}}}\n", "", "POL083", "2:25"),
        ("hosts: {h: {policy: {zones: {'${host}': eth0}}}}\n", "", "POL083", "2:30"),
        ("hosts: {h: {target: iptables, format: json}}\n", "", "POL084", "2:39"),
        ("hosts: {h: {for: debian-2}}\n", "", "POL084", "2:18"),
        ("hosts: {h: {variables: {a: '${b}', b: 'x${a}'}}}\n", "", "POL085", "2:25"),
        ("hosts: {h: {policy: {include: p.yaml}}}\n", "", "POL101", "2:22"),
        ("hosts: {h: {policy: {inputs: {}}}}\n", "", "POL101", "2:22"),
        ("hosts: {h: {includes: p.yaml}}\n", "", "POL101", "2:13"),
        ("all: {groups: []}\nhosts: {h: }\n", "", "POL101", "2:7"),
        ("hosts: {'../h': }\n", "", "POL105", "2:9"),
        ("hosts: {h: {target: pf}}\n", "", "POL104", "2:21"),
        ("groups: {}\n", "", "POL103", "1:1"),
        ("hosts: {h: {include: nowhere.yaml}}\n", "", "POL001", "2:22"),
        ("hosts: {h: {include: inventory.yaml}}\n", "", "POL015", "2:22"),
        ("hosts: {h: {include: p.yaml}}\n", "accept shh", "POL203", "2:40"),
    ],
)
def test_what_is_wrong_has_its_place(tmp_path: Path, inventory: str, policy: str, code: str, place: str) -> None:
    text = f"polc: 1\ninput: {{default: drop, rules: ['{policy}']}}\n"
    found = errors(tmp_path, inventory, p=text)
    assert [one.code for one in found] == [code], [one.message for one in found]
    (only,) = found
    assert only.span is not None
    assert f"{only.span.line}:{only.span.column}" == place


def test_without_an_inventory_nothing_is_a_variable(tmp_path: Path) -> None:
    text = "polc: 1\ninput: {default: drop, rules: [{rule: accept ssh, comment: 'for ${host}'}]}\n"
    merged = inspect_source(SourceFile("p.yaml", text), Collector()).merged
    assert "for ${host}" in flatten(merged)


def test_a_library_reads_each_file_once(tmp_path: Path) -> None:
    fleet = hosts(tmp_path, "all: {include: a.yaml}\nhosts: {x: , y: }\n", a=f"{BEGIN}accept tcp/1]}}\n")
    library = Library()
    first = build(fleet[0], library)
    (tmp_path / "a.yaml").unlink()
    assert build(fleet[1], library).files == first.files


def test_a_flat_policy_means_the_same() -> None:
    """Every example of the repository, by the ruleset that it means."""
    from polc.ir.canonical import differences

    for path in sorted((Path(__file__).parents[2] / "examples").rglob("*.yaml")):
        first = inspect_source(SourceFile(str(path), path.read_text()), Collector())
        again = inspect_source(SourceFile("flat.yaml", flatten(first.merged)), Collector())
        assert not list(differences(first.ruleset, again.ruleset)), path
        assert len(again.merged.tests) == len(first.merged.tests)


def test_a_flat_policy_holds_its_files_of_addresses(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("# none of these\n192.0.2.1\n2001:db8::/64 # two\n\n")
    path = tmp_path / "p.yaml"
    path.write_text("polc: 1\naddresses: {a: {file: list.txt}}\ninput: {default: drop, rules: [accept ssh from @a]}\n")
    merged = inspect_source(SourceFile(str(path), path.read_text()), Collector()).merged
    assert '"a": ["192.0.2.1", "2001:db8::/64"]' in flatten(merged)


def test_a_flat_policy_has_all_sections() -> None:
    """A new section of policies needs its place in ``polc.fleet.flatten``, or hosts would lose it on the way."""
    from polc.policy.merge import DEFINITIONS, HOOKS, INGRESS, NAT, SECTIONS
    from polc.policy.schema import load_schema as policy_schema

    schema = policy_schema()
    assert isinstance(schema, dict)
    assert isinstance(schema["properties"], dict)
    written = {"polc", "settings", *DEFINITIONS, INGRESS, *HOOKS, NAT, *SECTIONS, "tests", "assert"}
    assert schema["properties"].keys() - {"include"} == written


WORDS = st.sampled_from(
    ["polc-inventory", "all", "groups", "hosts", "include", "variables", "policy", "target", "nft", "for", "a", "b",
     "${a}", "${b}", "$${", "host", "input", "rules", "format", "allow-approximate", "", "a b"]
)  # fmt: skip
TREES = st.recursive(
    st.none() | st.booleans() | st.sampled_from([1, 2, 1.5]) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=20,
)
SCHEMA = load_schema()
assert isinstance(SCHEMA, dict)
VALIDATOR = Draft202012Validator(SCHEMA)
GATE = compile_gate(SCHEMA)


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@settings(max_examples=300, deadline=None)
@given(tree=TREES, members=st.dictionaries(WORDS, TREES, max_size=3))
def test_any_tree_is_read_or_told(tree: object, members: dict[str, object]) -> None:
    """The gate says what jsonschema says; and whatever an inventory holds, there is an answer and no traceback."""
    for one in (tree, {"polc-inventory": 1, "hosts": {"h": members}, "groups": {"a": members, "b": tree}}):
        source = SourceFile("inventory.json", json.dumps(one))
        assert GATE(read_json(source)) is VALIDATOR.is_valid(one)
        try:
            read = inventory_of(source)
        except Failure:
            continue
        collector = Collector()
        for host in resolve(read, read.hosts, collector):
            assert build(host, Library()).status in (0, 2)
