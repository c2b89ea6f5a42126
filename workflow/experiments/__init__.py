"""The configuration, the grid of runs and their states."""
