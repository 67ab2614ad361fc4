"""The shim: one small process per attempt, of the standard library alone, for any Python from 3.9 on."""
