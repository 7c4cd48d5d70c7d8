"""How a trained recogniser does when the sound is worse than what it learned from."""
