"""Delivers what happens in calls to customers' endpoints, signed, again and again until they have it."""
