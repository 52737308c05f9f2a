"""`python -m engine_app`."""

from engine_app.cli import main

main()
