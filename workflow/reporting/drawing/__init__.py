"""What the figures share: registration, small multiples, dot plots."""
