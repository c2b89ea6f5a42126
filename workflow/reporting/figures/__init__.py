"""The figures one by one: each file has `draw(material) -> Drawing`."""
