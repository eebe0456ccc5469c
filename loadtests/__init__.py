"""Load tests: realistic shoppers over HTTP, judged by the budgets in budget.toml. Imports none of our packages."""
