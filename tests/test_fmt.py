"""``polc fmt``: one form, the same meaning, every comment, and no half-written file."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from polc.cli.main import main
from polc.diagnostics import Failure
from polc.policy.format.quoting import written
from polc.policy.format.rule_strings import canonical_rule
from polc.policy.format.text import canonical_text
from polc.policy.scalars import resolve
from polc.source import SourceFile

ROOT = Path(__file__).parent.parent
UGLY = """\


# About this file.

# polc: ignore POL306 because it is a test
input:      # what comes in
    rules:
    - accept   tcp/22  state new from lan      # people


    # the web
    - {comment: 'CHG-1', rule: "accept tcp/80 , 443 state new"}
      # - accept tcp/25
    default: drop
zones:
    lan: ['eth1', "wg*"]
polc: 1
# the end
"""
TIDY = """\
# About this file.

polc: 1
zones:
  lan: [eth1, wg*]
# polc: ignore POL306 because it is a test
input:      # what comes in
  default: drop
  rules:
    - accept tcp/22 from lan state new         # people

    # the web
    - {rule: "accept tcp/80,443 state new", comment: CHG-1}
    # - accept tcp/25
# the end
"""


def fmt(text: str) -> str:
    return canonical_text(SourceFile("policy.yaml", text))


def test_an_ugly_policy() -> None:
    assert fmt(UGLY) == TIDY
    assert fmt(TIDY) == TIDY


@pytest.mark.parametrize("path", sorted([*ROOT.glob("examples/*.yaml"), *ROOT.glob("polc/templates/*.yaml")]), ids=str)
def test_what_the_project_shows_is_canonical(path: Path) -> None:
    assert fmt(path.read_text()) == path.read_text()


@pytest.mark.parametrize(
    ("written_as", "canonical"),
    [
        ("accept   tcp/80 , 443,udp/53  state related , new", "accept tcp/80,443, udp/53 state new,related"),
        ("accept state new to @b from not lan,wan @a", "accept from not lan, wan @a to @b state new"),
        ("drop over 5/hour per source/24 , /56 state new", "drop state new over 5/hour per source/24,/56"),
        ("drop ssh hits 9 in 5s per source refresh state new", "drop ssh state new hits 9 in 5s per source refresh"),
        ('log "a  , b:  "  level  info limit 5/minute', 'log "a  , b:  " level info limit 5/minute'),
        ('reject  with  tcp-reset tcp/25 comment "x  y"', 'reject with tcp-reset tcp/25 comment "x  y"'),
        ("accept udp/68 from lan sport 67 , 68 count  web", "accept udp/68 sport 67,68 from lan count web"),
        ("accept proto   gre", "accept proto gre"),
        ("use  stateful", "use stateful"),
        ("vmap tcp   dport {22 : accept,80:  jump web , 90-99: drop }",
         "vmap tcp dport {22: accept, 80: jump web, 90-99: drop}"),
        ("vmap saddr  .  ct  mark { 2001:db8::1 .  5 : accept, 192.0.2.1 . 6: drop}   from lan",
         "vmap saddr . ct mark {2001:db8::1 . 5: accept, 192.0.2.1 . 6: drop} from lan"),
        ("vmap saddr {2001:db8::1   : accept, 2001:db8:: : drop}",
         "vmap saddr {2001:db8::1 : accept, 2001:db8:: : drop}"),
        ('vmap iifname { "wg*" : accept }', 'vmap iifname {"wg*": accept}'),
        ("dnat random -> map  tcp dport {80 : 192.0.2.1:80} from lan",
         "dnat from lan -> map tcp dport {80: 192.0.2.1:80} random"),
        ("masquerade fully-random to wan", "masquerade to wan fully-random"),
        ("mark  set map iifname {eth0:  0x1}", "mark set map iifname {eth0: 0x1}"),
        ("queue  0-3   flags bypass ,fanout  tcp/80", "queue 0-3 flags bypass, fanout tcp/80"),
        ('log "x" at 1/hour flags ether,skuid', 'log "x" flags ether, skuid at 1/hour'),
        ('log "x" queue-threshold 5 snaplen 64 group 5', 'log "x" group 5 snaplen 64 queue-threshold 5'),
        ("ip   ttl   set 5 ct  zone set 4", "ip ttl set 5 ct zone set 4"),
        ("reset tcp   option sack-perm ,tcp option  mptcp", "reset tcp option sack-perm, tcp option mptcp"),
        ("accept trace flow add  @f dup  to 192.0.2.1 device  eth0",
         "accept dup to 192.0.2.1 device eth0 flow add @f trace"),
    ],
)  # fmt: skip
def test_rules(written_as: str, canonical: str) -> None:
    assert canonical_rule(written_as) == canonical
    assert canonical_rule(canonical) == canonical


LOOKALIKES = ("no", "ON", "y", "22:80", "0x1", "0o7", "1_000", "1e3", "1:2:3:4:5:6", "2001-01-01", "=", "<<", "~", "")
BROKEN_WHEN_PLAIN = ("a: b", "a #b", "@a", "*x", "a:", " a", "a\nb")


@pytest.mark.parametrize("text", [*LOOKALIKES, *BROKEN_WHEN_PLAIN])
@pytest.mark.parametrize("flow", [False, True])
def test_what_a_reader_could_take_for_something_else_is_quoted(text: str, flow: bool) -> None:
    assert written(text, flow=flow)[0] in "'\""


def test_a_question_mark_ends_a_plain_text_in_a_flow() -> None:
    assert (written("a?", flow=False), written("a?", flow=True)) == ("a?", '"a?"')


@given(st.text(st.characters(exclude_categories=["Cs"])), st.booleans())
def test_quoting_keeps_the_text(text: str, flow: bool) -> None:
    shown = written(text, flow=flow)
    assert yaml.safe_load(f"[{shown}]" if flow else f"- {shown}") == [text]
    assert shown[0] in "'\"" or resolve(shown) == text


COMMENTS = st.sampled_from(
    ["", "", "\n", "# one\n", "    # two\n", "      # three\n", "\n\n# four\n\n", "  # five\n\n"]
)
BESIDE = st.sampled_from(["", "", "  # beside", " #near"])
RULES = st.sampled_from(
    [
        "- accept  tcp/22 state new   from lan",
        "- use stateful",
        '- "accept udp/53,  tcp/80, 443"',
        "- 'log \"in: \"   limit 5/minute'",
        "- {comment: a b, rule: drop from @bad}",
        "- state: [new]\n      service: ssh\n      verdict: accept",
        "-   verdict: drop\n        # inside\n        service: [tcp/1, # flow\n          tcp/2]\n        id: x",
        "-\n      # before\n      use: loopback",
        "- &again accept tcp/99",
        "- 'vmap  tcp dport {22 : accept,80: drop}  state new'",
        "- {vmap: iifname . tcp dport, verdicts: {eth0 . 22: accept, 'wg* . 80':  drop}}",
        "-   mark: {set: {map: saddr, to: {192.0.2.1: 5}}}\n        # why\n        service: tcp",
    ]
)


@st.composite
def policies(draw: st.DrawFn) -> str:
    indent = draw(st.sampled_from(["  ", "    "]))
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 4))):
        rule = draw(RULES.filter(lambda one: "&" not in one and "id: x" not in one)) if lines else draw(RULES)
        lines.append(draw(COMMENTS) + f"    {rule}{draw(BESIDE)}\n")
    section = f"input:{draw(BESIDE)}\n{indent}default: drop\n" if indent == "    " else "input:\n    default:  drop\n"
    parts = [
        f"polc:   1{draw(BESIDE)}\n",
        f"zones:\n{indent}lan:   [eth1,  'wg*']{draw(BESIDE)}\n",
        f"addresses: {{bad: [198.51.100.0/24, '2001:db8::/32']}}\n{draw(COMMENTS)}",
        f"ingress:\n{indent}eth0:\n{indent * 2}rules: [ drop from @bad ]{draw(BESIDE)}\n{indent * 2}default: accept\n",
        f"timeouts: {{short: {{close: 5s, protocol: tcp}}}}\n{draw(COMMENTS)}",
        section + f"    rules:{draw(BESIDE)}\n" + "".join(lines) + draw(COMMENTS),
    ]  # fmt: skip
    return "".join(draw(COMMENTS) + part for part in draw(st.permutations(parts)))


@settings(max_examples=150, deadline=None)
@given(policies())
def test_formatting_is_idempotent_and_loses_nothing(text: str) -> None:
    # That the meaning is the same is looked at within, as for every user.
    once = fmt(text)
    assert fmt(once) == once
    assert sorted(line.partition("#")[2] for line in text.splitlines() if "#" in line) == sorted(
        line.partition("#")[2] for line in once.splitlines() if "#" in line
    )
    assert "\n\n\n" not in once


def test_anchors_and_merge_keys_survive() -> None:
    text = (
        "input:\n  rules:\n    - &base {verdict: accept, service: ssh}\n    - <<: *base\n      service: http\n"
        "  default: drop\npolc: 1\n"
    )
    once = fmt(text)
    assert "&base {" in once
    assert "<<: *base" in once
    assert fmt(once) == once


def test_a_flow_that_is_too_long_becomes_a_block() -> None:
    text = f"polc: 1\naddresses: {{a: [{', '.join(f'192.0.2.{number}' for number in range(40))}]}}\n"
    once = fmt(text)
    assert "    - 192.0.2.39\n" in once
    assert fmt(once) == once


BLOCK_TEXT = 'polc: 1\ninput:\n  default: drop\n  rules:\n    - |\n      accept tcp/1 comment "#"\n'


@pytest.mark.parametrize("text", ["polc: !!int 1\n", "%YAML 1.2\n---\npolc: 1\n", BLOCK_TEXT])
def test_what_cannot_be_written_again_is_refused(text: str) -> None:
    with pytest.raises(Failure, match="POL052"):
        fmt(text)


def test_json(tmp_path: Path) -> None:
    path = tmp_path / "policy.json"
    path.write_text('{"input": {"rules": ["accept  tcp/22"], "default": "drop"}, "polc": 1}')
    assert main(["fmt", str(path)]) == 0
    assert path.read_text().startswith('{\n  "polc": 1,\n  "input": {\n    "default": "drop",')
    assert json.loads(path.read_text())["input"]["rules"] == ["accept tcp/22"]
    assert main(["fmt", "--check", str(path)]) == 0


def test_check_and_diff_write_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(UGLY)
    assert main(["fmt", "--check", str(path)]) == 1
    assert main(["fmt", "--diff", str(path)]) == 0
    assert "+polc: 1" in capsys.readouterr().out
    assert path.read_text() == UGLY


def test_it_writes_through_a_link_and_keeps_the_mode(tmp_path: Path) -> None:
    path, link = tmp_path / "policy.yaml", tmp_path / "link.yaml"
    path.write_text(UGLY)
    path.chmod(0o640)
    link.symlink_to(path)
    assert main(["fmt", str(link)]) == 0
    assert link.is_symlink()
    assert path.read_text() == TIDY
    assert path.stat().st_mode & 0o777 == 0o640


def test_line_endings_are_unix_ones(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_bytes(TIDY.replace("\n", "\r\n").encode())
    assert main(["fmt", "--check", str(path)]) == 1
    assert main(["fmt", str(path)]) == 0
    assert path.read_bytes() == TIDY.encode()


def test_a_wrong_policy_stays_and_the_others_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong, fine = tmp_path / "wrong.yaml", tmp_path / "fine.yaml"
    wrong.write_text("polc: 1\nzoens: {}\n")
    fine.write_text(UGLY)
    assert main(["fmt", str(wrong), str(fine)]) == 2
    assert wrong.read_text() == "polc: 1\nzoens: {}\n"
    assert fine.read_text() == TIDY
    assert "POL101" in capsys.readouterr().err


def test_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(UGLY.encode())))
    assert main(["fmt", "-"]) == 0
    assert capsys.readouterr().out == TIDY
