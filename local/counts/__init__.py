"""What the bridge counts, for people: read from its log or from CloudWatch, added up, and shown by what one asks."""
