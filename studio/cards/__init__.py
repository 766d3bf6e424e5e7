"""What a person reads about a model, as data."""
