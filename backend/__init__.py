"""The backend: what happens to events after the edge took them, and how models reach the edge."""
