"""docs/api.md: every endpoint has a route and a test that exists."""
import re

from engines import ROOT

DOC = (ROOT / "docs/api.md").read_text()
ENDPOINTS = [line for line in (ROOT / "tests/e2e/endpoints.txt").read_text().splitlines() if not line.startswith("#")]
TABLE = dict(re.findall(r"^\| `([A-Z]+ /\S*)` \| `(\S+)` \|$", DOC, re.M))
HOLES = re.findall(r"^- `([A-Z]+ /\S*)`$", DOC.split("## Holes")[1].split("\n## ")[0], re.M) if "## Holes" in DOC else []


def routes():
    """Method and pattern -> handler, as the route table has them."""
    text = (ROOT / "src/api/routes.cc").read_text()
    found = re.findall(r'\{(\w+), "([^"]+)", (\w+)\}', text)
    assert len(found) > 100
    return {(method.rstrip("_").upper(), pattern): handler for method, pattern, handler in found}


def test_the_table_has_every_endpoint_once():
    assert sorted(ENDPOINTS) == sorted([*TABLE, *HOLES])


def test_every_test_of_the_table_exists():
    for endpoint, place in TABLE.items():
        path, name = place.split("::")
        text = (ROOT / path).read_text()
        wanted = rf"\b{name}\)" if path.endswith(".cc") else rf"^\s*def {name}\("
        assert re.search(wanted, text, re.M), f"{endpoint}: {place} does not exist"


def test_every_endpoint_has_a_route_that_does_something():
    known = routes()
    for endpoint in ENDPOINTS:
        method, path = endpoint.split()
        handler = known.get((method, re.sub(r"\{\w+\}", "{name}", path)))
        if endpoint in TABLE:
            assert handler and handler != "not_yet", f"{endpoint} has no route"
