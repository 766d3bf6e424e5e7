"""The synthetic world the bundled models were trained on, and the scripts that train them. Nothing imports it."""
