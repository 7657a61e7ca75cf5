"""bench/run keeps what it has measured when it is cut short."""
import json
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
from hullbench import cli, scenarios  # noqa: E402


def test_finished_parts_are_kept(tmp_path, monkeypatch):
    file = tmp_path / "results.json"
    old = {"day": "2020-01-01", "medians": {"hull": 5.0}}
    file.write_text(json.dumps({"old row": old, "exec row": old}))

    def finished(results, *_):
        results.samples["exec row"]["hull"] = [1.0, 2.0, 3.0]

    def cut_short(results, *_):
        results.samples["oci row"]["hull"] = []
        raise KeyboardInterrupt

    monkeypatch.setattr(scenarios, "exec_times", finished)
    monkeypatch.setattr(scenarios, "oci_times", cut_short)
    with pytest.raises(KeyboardInterrupt):
        cli.measure(cli.parse(["--only", "exec,oci", "--results", str(file)]), tmp_path, tmp_path, [], [])
    kept = json.loads(file.read_text())
    assert kept["old row"] == old and kept.keys() == {"old row", "exec row"}
    assert kept["exec row"]["medians"] == {"hull": 2.0} and kept["exec row"]["day"] > "2020"
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]
