"""Getting corpora: sources, fetching, unpacking, checksums."""
