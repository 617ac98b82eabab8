"""Keeps the property tests short, the same on every run, and their files out of the checkout."""

from pathlib import Path

import hypothesis
from hypothesis.configuration import set_hypothesis_home_dir

set_hypothesis_home_dir(Path(__file__).parents[3] / ".cache" / "hypothesis")
hypothesis.settings.register_profile("sample_app", max_examples=50, derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("sample_app")
