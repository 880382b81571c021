"""Months as files: immutable versions, and one small manifest a month that is swapped last."""
