"""HTTP in and out, and nothing else: one module a resource."""
