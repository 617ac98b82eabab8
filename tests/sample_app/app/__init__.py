"""A small service to release, break and watch on the test hosts."""
