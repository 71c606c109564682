"""A data set folder on the Hugging Face hub: published there, and pulled from it."""
