"""The rules one by one, without HTTP between."""
