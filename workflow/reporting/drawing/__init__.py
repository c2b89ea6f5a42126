"""What the figures share: how one registers itself, small multiples, dot plots."""
