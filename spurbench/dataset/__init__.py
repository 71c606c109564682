"""The data set on disk: the one place where the building and the scoring half meet."""
