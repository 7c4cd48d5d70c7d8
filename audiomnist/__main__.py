"""``python -m audiomnist`` is the ``audiomnist`` command; it is also what ``torchrun`` starts."""

from audiomnist.cli.app import main

if __name__ == "__main__":
    main()
