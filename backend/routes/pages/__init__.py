"""The HTML pages: one more dialect over the same services. Forms work without script."""
