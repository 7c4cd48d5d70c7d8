"""Speech made on the spot by eSpeak NG."""
