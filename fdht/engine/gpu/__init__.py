"""Kernels for GPUs, each with a switch in `fdht.engine.kernels` and its gain in benchmarks/README.md."""
