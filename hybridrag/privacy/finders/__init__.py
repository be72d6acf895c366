"""Finders: functions from a normalised text to the spans of one kind of value."""
