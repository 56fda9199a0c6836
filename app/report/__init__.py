"""
What is known of how a wallet, a farm or an agent has done, put together for people.

`document` reads, `page` writes it as HTML; the tables of the command line are in `app.cli.report`. It only
reads, and may run beside a worker.
"""
