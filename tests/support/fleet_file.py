"""The smallest fleet file: a wallet with money, a farm and a bot."""


def one_bot(wallet: str = "alpha") -> str:
    """Declare wallet, farm f and agent a; more of the agent may follow."""
    return f"""
[[wallet]]
id = "{wallet}"
currency = "USDT"
deposit = "1000"
rules = {{ clock = "event" }}
[[wallet.farm]]
id = "f"
[[wallet.farm.agent]]
id = "a"
"""
