"""What a model of the data costs, and whether to tune one: prices, tokens, the history of runs."""
