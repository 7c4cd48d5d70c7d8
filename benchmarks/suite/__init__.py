"""What ``benchmarks/bench.py`` measures: the program's steps, each beside a limit of the same machine and run."""
