"""Engines: where tasks run. An engine is `map`; rows never cross it, only paths and counts do."""
