"""One module per family of models that run on this machine, imported only when a model of it is loaded."""
