"""Mutation testing on demand: small faults are put into the code, and the unit tests have to notice them.

`make mutate ARGS="--seed 7 --per-file 30"`. Libraries for this import what they test by its module name (mutmut) or
run a whole suite per mutant in the checkout (cosmic-ray); here files are loaded by path, some without a suffix, and
only the tests that execute a line are asked about it.
"""
