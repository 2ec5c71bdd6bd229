"""What clients of each dialect rely on."""
