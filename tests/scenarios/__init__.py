"""Each behaviour told once, as a story, on both databases."""
