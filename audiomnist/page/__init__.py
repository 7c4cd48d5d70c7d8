"""The recogniser as one HTML file that runs in a browser, and the small server that shows it."""
