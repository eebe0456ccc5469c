"""The benchmark: Endcap beside a bare Starlette route and two serving frameworks, in one run on one machine."""
