"""The backend app: services kept running, jobs on time, an API and a page for the people behind it."""
