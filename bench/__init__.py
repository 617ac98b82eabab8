"""Benchmarks: site.yml against a plain shell script that does the same over one SSH connection."""
