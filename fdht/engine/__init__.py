"""How a tensor network is applied."""
