"""The quality gate: its suite, the tables that it checks, and the process that runs it."""
