"""What happened to a record, and what another threshold would do, from the data of past runs."""
