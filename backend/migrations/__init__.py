"""The only way a schema comes to be."""
