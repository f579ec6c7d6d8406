"""A call's transcript in the formats that others read.

What was said is text in each of them, whatever it looks like.
"""
