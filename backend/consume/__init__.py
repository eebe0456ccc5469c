"""The consumer: each event of a shop's stream has exactly one effect, on a profile and on the day's counts."""
