"""The flight recorder: what was sensed, sample after sample, in files that outlive the night, and reading them back."""
