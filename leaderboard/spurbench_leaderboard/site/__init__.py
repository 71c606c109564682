"""The leaderboard as a folder of files that a browser opens, with or without a server."""
