"""`spurbench verify`: everything that is wrong with a data set, in one report."""
