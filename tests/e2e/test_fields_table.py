"""docs/api-fields.md: no field of the API is missing, and every test that it names is there."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]


def table():
    rows = re.findall(r"^\| `([\w.]+)` \| (.+?) \| `(.+?)` \|$", (ROOT / "docs/api-fields.md").read_text(), re.M)
    assert len(rows) > 100
    return rows


def test_every_field_has_one_row():
    lines = (ROOT / "docs/api-fields.txt").read_text().splitlines()
    wanted = [line for line in lines if line and not line.startswith("#")]
    assert sorted(field for field, _, _ in table()) == sorted(wanted)


def test_every_named_test_exists():
    for field, _, test in table():
        path, name = test.split("::")
        found = [p for p in ((ROOT / "tests/e2e" / path), ROOT / path) if p.exists()]
        assert found, (field, path)
        text = found[0].read_text()
        assert re.search(rf"^def {name}\(", text, re.M) or re.search(rf"TEST(_F)?\(\w+, {name}\)", text), (field, test)
