"""Engines: where tasks run. An engine has a `map`, which passes paths and counts, never rows."""
