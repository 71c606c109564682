"""`spurbench diff`: what changed between two versions of a data set."""
