from tests.training.conftest import material

__all__ = ["material"]
