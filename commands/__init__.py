"""One module per terminal verb, and what app.py and cli.py need before anything heavy is imported."""
