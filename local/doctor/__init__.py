"""`callscribe doctor`: what of a deployment is right, what is wrong, and what to do.

`examination` says what is looked at and when; `cloud` and `probes` look; `account`, `vendors` and `doors` decide what
that means. No check holds a secret, a ticket or a phone number in any of its texts.
"""
