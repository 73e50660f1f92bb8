"""A teacher model asked about a recipe's documents: requests, answers, the file that keeps them."""
