"""Learning: batches, transforms, networks, the loop and its checkpoints."""
