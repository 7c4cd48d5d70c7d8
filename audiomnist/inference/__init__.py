"""From a waveform, or a store of clips, to an answer: one recogniser for every use."""
