"""Train, cross-validate: from a store to a result in a run folder."""
