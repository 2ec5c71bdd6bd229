"""The promises Vestibule makes to others, kept by tests."""
