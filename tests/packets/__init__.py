"""Real packets against what the rules of a firewall say: see bed.py for the network, model.py for what is expected."""
