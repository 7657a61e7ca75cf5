"""The benchmark harness: box (isolation), peers, scenarios, report."""
