"""Using."""
