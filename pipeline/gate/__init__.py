"""The quality gate: the suite, what it is held against, and the process that holds it."""
