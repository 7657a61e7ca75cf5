"""Metrics of what runs in the background: health checks and builds."""
import pathlib
import tempfile

from test_service import free_port, metrics_of, wait_for


def test_metrics_of_health_checks_and_builds(new_engine):
    port = free_port()
    engine = new_engine("--metrics-addr", f"127.0.0.1:{port}")
    assert engine.hull("image", "bootstrap", "busybox", timeout=120).returncode == 0
    failed = 'builder_builds_failed_total{reason="%s"}'
    names = ["engine_daemon_health_checks_total", "engine_daemon_health_checks_failed_total",
             "builder_builds_triggered_total", failed % "dockerfile_syntax_error", failed % "error_processing_commands"]
    before = metrics_of(port)
    assert [before[name] for name in names] == [0, 0, 0, 0, 0]
    boxes = [engine.hull("run", "-d", "--health-interval", "200ms", "--health-cmd", check, "busybox", "sleep", "600")
             .stdout.strip() for check in ("true", "false")]
    try:
        wait_for(lambda: metrics_of(port)["engine_daemon_health_checks_failed_total"] >= 2, seconds=60)
        wait_for(lambda: (m := metrics_of(port))["engine_daemon_health_checks_total"] >=
                 m["engine_daemon_health_checks_failed_total"] + 2, seconds=60)
    finally:
        engine.hull("rm", "-f", *boxes)
    for text in ("FROM busybox\nRUN true\n", "FROM busybox\nRUN false\n", "FROM busybox\nNOSUCH x\n"):
        with tempfile.TemporaryDirectory() as context:
            pathlib.Path(context, "Dockerfile").write_text(text)
            engine.hull("build", "-q", context, timeout=120)
    after = metrics_of(port)
    assert [after[name] for name in names[2:]] == [3, 1, 1]
    assert after[failed % "build_canceled"] == 0
