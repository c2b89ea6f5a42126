"""The figures one by one: each file has `draw(results) -> Drawing`."""
