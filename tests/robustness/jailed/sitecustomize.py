"""Python imports this by itself when it starts with this folder and the project's in PYTHONPATH: `jail.environment`."""

from tests.robustness.jail import install

install()
