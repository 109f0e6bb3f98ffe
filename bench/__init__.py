"""Measures Weir beside other runtimes: `./dev bench`, docs/benchmarks.md."""
