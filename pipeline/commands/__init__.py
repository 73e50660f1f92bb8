"""What the commands do, one file each; `pipeline.cli` passes them their options."""
