"""Following calls: cut off a thousand times, five hundred at once, and how soon words are there."""
