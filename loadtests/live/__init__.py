"""The live loop under a simulation: past weeks replayed through the real endpoints, and what they say of the loop.

The way through: `replay` reads the weeks, `arms` asks servers what they would show before each order, `send` posts what
was done, `admin` waits for the backend and approves, `simulate` puts these in order, `weekly` and `plot` sum up.
"""
