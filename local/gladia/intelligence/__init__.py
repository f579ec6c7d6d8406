"""What the emulated Gladia's add-ons make of words: entities, sentiments and a summary, by rules and short lists.

No model is asked, so that the same words give the same results. The lists are of English; what is found in other
languages is what looks the same in all of them.
"""
