"""`spurbench ablate`: what each part of the method does, over classes and seeds, with intervals."""
