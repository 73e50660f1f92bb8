"""The parts of `pipeline.check`, which checks a data set against schemas and a model card."""
