"""What stands between a submitted result and the leaderboard."""
