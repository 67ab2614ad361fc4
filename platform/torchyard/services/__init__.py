"""Use cases as plain functions: they check, change rows, and return values of the contracts."""
