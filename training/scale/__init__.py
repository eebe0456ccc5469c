"""How training cost grows with the number of events: a generated shop of any size, and runs measured one by one."""
