"""What a model trained on the data costs, and whether to tune one: prices, tokens, past runs."""
