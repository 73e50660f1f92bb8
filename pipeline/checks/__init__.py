"""The parts of `pipeline.check`: a data set held against schemas and a model card."""
