import sys

sys.path.insert(0, "tests/importers")
sys.path.insert(0, "tests")
import test_iptables_corpus as t

taken = t.vectors("OK")
letter = meaning = 0
rest = []
for v in taken:
    lines = t.emitted(v)
    if [t.normal(l) for l in lines] == [t.normal(v.wanted)]:
        letter += 1
    elif lines and t._read_as(lines, v) == t._read_as([f"-A {v.chain} {v.rule}"], v):
        meaning += 1
        rest.append(("meaning", v.wanted, lines))
    else:
        rest.append(("NO", v.wanted, lines))
print(len(taken), letter, meaning, letter / len(taken), (letter + meaning) / len(taken), len(t.vectors("FAIL")))
for r in rest:
    print(*r, sep="\n   ")
