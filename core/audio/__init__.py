"""Sound to features, features to a speaking face."""
