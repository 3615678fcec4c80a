"""Predicts with models that were exported as JSON, by nothing but what automl/core/lower.h says of the operations."""
