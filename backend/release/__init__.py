"""A model's life: retrained when due, judged beside the live one, approved, published, rolled back."""
