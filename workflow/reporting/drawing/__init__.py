"""What the figures share: how one registers itself, the look of models, small multiples, dot plots."""
