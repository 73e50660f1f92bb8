"""Raw documents, labelled examples and captioned images into Amazon Bedrock customization data."""

__version__ = "0.1.0"
