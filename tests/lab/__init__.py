"""The test bed: from a bare machine to running test hosts (standard library only)."""
