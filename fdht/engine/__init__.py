"""How a tensor network is applied: see README.md in this folder for the symbols and a step with shapes."""
