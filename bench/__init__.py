"""Benchmarks of this service against its peers, side by side; `make bench` runs them."""
