"""Train, measure and use recognisers of spoken digits."""

__version__ = "0.1.0"
