"""Entry point of ``sluicegate`` and ``python -m app``."""

from app.cli.commands import cli


def main() -> None:
    """Run the command line."""
    cli(prog_name="sluicegate")


if __name__ == "__main__":
    main()
