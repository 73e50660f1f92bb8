"""Sources and runs in S3: complete bodies, conditional writes, no unfinished uploads left."""
