"""What became of a record, and what another threshold would do, from what runs have kept."""
