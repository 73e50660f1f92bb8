"""What Amazon Bedrock accepts: model cards, limits, the job request, prices."""
