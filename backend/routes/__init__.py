"""HTTP in, HTTP out: one module for each dialect or resource, none of them with a rule of its own."""
