from tests.cli.conftest import cross_validated, trained

__all__ = ["cross_validated", "trained"]
