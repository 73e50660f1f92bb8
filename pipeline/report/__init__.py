"""The quality report: what a run's page shows, part by part, in two languages."""
