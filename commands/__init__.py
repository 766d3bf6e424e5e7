"""One module per verb of the terminal, and what both commands need before anything heavy is imported."""
