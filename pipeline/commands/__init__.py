"""What the commands do, one file each; `pipeline.cli` hands them their options."""
