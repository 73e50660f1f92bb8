"""Model cards and JSON Schemas; an installed wheel ships this folder as `pipeline.schemas`."""
