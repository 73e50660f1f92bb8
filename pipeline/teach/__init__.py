"""Asking a teacher model about a recipe's documents: requests, answers, the answers file."""
