"""What becomes of a data set folder: checked, compared, shown, exported, put on the hub and taken from it."""
