"""Facts about customers: features at a cut-off day, models of value and risk, and what history tells of habits."""
