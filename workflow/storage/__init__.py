"""Write files atomically, seal them with checksums, lock them."""
