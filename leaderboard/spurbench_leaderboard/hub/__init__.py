"""Results in the formats of the Hugging Face hub."""
