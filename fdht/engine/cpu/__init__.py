"""Kernels for CPUs, each with a switch in `fdht.engine.kernels` and its gain in benchmarks/README.md."""
