"""S3 as the place of sources and runs: whole bodies, conditional writes, nothing left behind."""
