"""The command line; `app.cli.commands` is where it begins."""
